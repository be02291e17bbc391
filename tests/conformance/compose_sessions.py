"""Sessions of docker compose, as those of docker_sessions; before each, its `compose.yaml` is written."""

SESSIONS = {
    "a stack with health, networks, volumes, configs and secrets": (
        """
        name: stack
        services:
          db:
            image: busybox
            command: [sh, -c, "sleep 0.5; touch /ready; exec sleep 1000"]
            healthcheck: {test: [CMD, test, -e, /ready], interval: 200ms, retries: 30, start_period: 1s}
            volumes: ["data:/data"]
            networks: [back]
          setup:
            image: busybox
            command: sh -c 'echo made > /data/made'
            volumes: ["data:/data"]
            depends_on: {db: {condition: service_healthy}}
            networks: [back]
          web:
            image: busybox
            command: httpd -f -h /www
            stop_signal: KILL
            environment: {GREETING: hello}
            ports: ["18180:80"]
            configs: [{source: page, target: /www/index.html}]
            secrets: [key]
            depends_on: {setup: {condition: service_completed_successfully}, db: {condition: service_started}}
            networks: {back: {aliases: [site]}, front: {}}
            deploy: {resources: {limits: {memory: 64m, cpus: "0.5"}}}
          debug:
            image: busybox
            command: sleep 1000
            profiles: [debugging]
            init: true
            stop_grace_period: 0s
            networks: [back]
        configs: {page: {file: ./page.html}}
        secrets: {key: {file: ./key.txt}}
        networks: {back: {internal: true, ipam: {config: [{subnet: 10.97.0.0/24}]}}, front: {}}
        volumes: {data: {}}
        """,
        """
        echo page > page.html; echo key > key.txt; docker compose config --quiet
        docker compose --progress plain up -d --wait 2>&1 | grep -vE 'Creating|Starting|Waiting|Created' | sort -u
        docker compose ps --format '{{.Service}} {{.State}} {{.Health}}' | sort
        docker compose ps -a --format '{{.Service}} {{.State}} {{.ExitCode}}' | sort
        docker compose ps --format '{{.Publishers}}' web
        curl -s 127.0.0.1:18180/
        docker compose exec -T web sh -c 'cat /run/secrets/key; echo $GREETING; wget -qO- site'
        docker compose exec -T db sh -c 'cat /data/made; ping -c1 -w2 web | head -1 | cut -d" " -f2'
        docker compose exec -T db sh -c 'exit 5'
        docker compose run --rm -T web sh -c 'cat /www/index.html; hostname | wc -c; exit 6'
        docker compose run --rm -T --no-deps --entrypoint echo -e X=y web hi
        docker compose port web 80
        docker compose top web | awk '{print NF}' | tail -1
        docker compose images --format json | grep -c busybox
        docker compose ls --format json | sed 's/"ConfigFiles.*//'
        docker compose --profile debugging up -d 2>&1 | grep -c debug
        docker compose ps --services | sort
        docker compose pause web; docker compose ps --format '{{.Service}} {{.State}}' web -a; docker compose unpause web
        docker compose restart -t 0 web 2>&1 | sort
        sleep 0.5; curl -s 127.0.0.1:18180/
        docker compose stop -t 0 2>&1 | sort -u; docker compose start db web 2>&1 | sort -u
        docker compose cp db:/data/made copied && cat copied
        docker compose kill -s KILL debug 2>&1 | sort -u
        docker compose up -d 2>&1 | grep -c -E 'Recreate'
        docker compose --profile debugging down -v -t 0 2>&1 | sort -u
        docker ps -aq; docker volume ls -q --filter name=stack; docker network ls -q --filter name=stack
        """,
    ),
    "scaling, logs, and changes": (
        """
        name: many
        services:
          worker:
            image: busybox
            command: sh -c 'echo from worker; exec sleep 1000'
            stop_grace_period: 0s
            labels: {version: "${VERSION:-1}"}
          once:
            image: busybox
            command: echo done
          broken:
            image: busybox
            command: sh -c 'exit 3'
            profiles: [broken]
          sick:
            image: busybox
            command: sleep 1000
            stop_grace_period: 0s
            profiles: [sick]
            healthcheck: {test: "false", interval: 100ms, retries: 1}
        """,
        """
        docker compose up -d --scale worker=3 2>&1 | grep -c Started
        docker compose ps --format '{{.Name}}' | sort
        sleep 0.5; docker compose logs --no-color --no-log-prefix worker | sort
        docker compose logs --no-color --tail 1 once
        docker compose scale worker=1; docker compose ps --format '{{.Name}}'
        VERSION=2 docker compose up -d 2>&1 | grep -E 'Recreated' | sort
        docker inspect -f '{{.Config.Labels.version}}' many-worker-1
        docker compose up --no-color --abort-on-container-exit --exit-code-from broken broken 2>&1 | tail -1
        docker compose up -d --wait sick 2>&1 | tail -1
        docker compose wait once; docker compose events --json --since 1m --until 0s | grep -c worker
        docker compose up --no-color once 2>&1 | grep -E 'once-1 +\\|'
        docker compose rm -fs worker 2>&1 | tail -1
        docker compose create worker 2>&1 | tail -1; docker compose ps -a --format '{{.Service}} {{.State}}' | sort
        docker compose --profile broken --profile sick down --remove-orphans -t 0 2>&1 | sort -u
        docker compose build 2>&1 | tail -1; docker compose version --short
        """,
    ),
}
