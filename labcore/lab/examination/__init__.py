"""The final examination: ten questions across the course, drawn by a seed and for each learner others.

Reading order: `tasks` (the four kinds of questions), `live` (questions whose answers are computed: `live_kernel`,
`live_images`, `live_commands`, `live_builds`), `paper` (the draw), `sitting` (asked and marked), `widget` (in a notebook).
No right answer is ever told: who sits the same paper once more has to know better.
"""
