"""The article's own text: the Dockerfile of its Flask example, with the line ends that the page has lost."""

from typing import Final

FLASK: Final = """\
FROM python:2.7
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
COPY . /app
WORKDIR /app
RUN pip install -r requirements.txt
EXPOSE 5000
ENTRYPOINT ["python"]
CMD ["app.py"]
"""
