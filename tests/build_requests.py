"""Queries of POST /build as clients send them: the docker command, docker-py, dockerode, testcontainers and repo2docker."""

DOCKER = {
    "buildargs": "{}", "cachefrom": "[]", "cgroupparent": "", "cpuperiod": "0", "cpuquota": "0", "cpusetcpus": "",
    "cpusetmems": "", "cpushares": "0", "dockerfile": "Dockerfile", "labels": "{}", "memory": "0", "memswap": "0",
    "networkmode": "default", "rm": "1", "shmsize": "0", "t": "a", "target": "", "ulimits": "null", "version": "1",
}  # fmt: skip
DOCKER_PY = {"t": "a", "remote": "", "q": "False", "nocache": "False", "rm": "False", "forcerm": "False", "pull": "False"}
DOCKERODE = {"t": "a", "buildargs": '{"A": "b"}', "labels": '{"l": "m"}', "nocache": "true", "networkmode": "host"}
TESTCONTAINERS = {
    "dockerfile": "./docker/Dockerfile", "t": "localhost/x:1", "labels": '{"org.testcontainers": "true"}', "buildargs": "{}",
    "nocache": "false", "pull": "true", "target": "t", "version": "1", "q": "false", "rm": "true",
}  # fmt: skip
REPO2DOCKER = {
    "t": "r2d", "dockerfile": ".dockerfile.3f", "buildargs": '{"NB_UID": "1000"}', "cachefrom": '["127.0.0.1:1/a:1"]',
    "forcerm": "True", "rm": "True", "memory": "4194304000", "memswap": "-1", "labels": '{"repo2docker.ref": "None"}',
}  # fmt: skip
CLIENTS = {
    "docker": DOCKER,
    "docker-py": DOCKER_PY,
    "dockerode": DOCKERODE,
    "testcontainers": TESTCONTAINERS,
    "repo2docker": REPO2DOCKER,
}
