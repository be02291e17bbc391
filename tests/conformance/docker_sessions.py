"""Sessions of the stock docker command: shell lines, whose outcomes are compared between two daemons.

A line is run by a shell, in a folder that the lines of a session share; `docker` is the stock command. Of a line that begins with `~`
only the status is compared; one with `!` is refused here by name, or in other words than dockerd's. After a session all that it made
is removed.
"""

SESSIONS = {
    "containers come and go": """
        docker run --name one busybox echo 'hello you' there
        docker container run --rm --quiet --platform linux/amd64 --pull never busybox sh -c 'exit 7'
        ~docker create --name two busybox sleep 100
        docker start two
        docker container start two one; docker wait one
        docker ps --format '{{.Names}} {{.Image}} {{.Command}} {{.State}}'
        docker ps -a --no-trunc --format '{{.Names}} {{.Command}} {{.State}}'
        docker container ls --all --format 'table {{.Names}}\t{{.Image}}\t{{.Ports}}\t{{.Mounts}}\t{{.Networks}}\t{{.Labels}}'
        docker container ls -a -n 1 --format '{{.Names}}'
        docker container ls --latest --format '{{.Names}}'
        docker container ls -aq --filter name=one
        docker container ls -a --filter status=exited --filter exited=0 --format '{{.Names}}'
        docker container ls --size --format '{{.Names}} {{.Size}}'
        docker ps
        docker stop -t 0 two
        docker stop nonesuch
        docker start nonesuch
        docker start -a one
        docker restart -t 0 two
        docker container restart --signal KILL two
        docker kill --signal USR1 two
        docker kill two
        docker kill two
        docker pause two
        docker rename two three
        docker rename three one
        docker rename nonesuch other
        docker container stop --signal KILL --timeout 1 three
        docker rm one three
        docker rm one
        docker rm -f one
        docker container rm --force --volumes one
    """,
    "states": """
        ~docker run -d --name one busybox sleep 100
        docker rm one
        docker pause one
        docker pause one
        docker exec one true
        docker ps --format '{{.Names}} {{.State}}'
        docker stop -t 0 one
        docker unpause one
        ~docker run -d --name one2 busybox sleep 100
        docker pause one2 && docker unpause one2
        docker unpause one2
        ~docker run --name one busybox true
        docker wait one
        (sleep 0.5; docker kill one2 > one2) & docker wait one2 nonesuch; wait
        docker container prune -f --filter label=x
        docker container prune --force | grep -c .
        docker container prune -f
        echo y | docker container prune
        docker run --rm --name=-x busybox true
        !docker run nonesuch:5000/x:y true
        docker run --pull=never nonesuch true
        !docker run --rm busybox nonesuch
        !docker run --rm busybox /etc
        docker run --rm -w relative busybox true
        !docker run busybox --rm
        docker ps -aq | xargs docker rm -f | grep -c .
    """,
    "exit codes and signals": """
        docker run --rm busybox sh -c 'kill -9 $$'
        docker run --name kk --stop-signal USR1 --stop-timeout 1 busybox sh -c 'trap "echo got; exit 3" USR1; kill -USR1 $$; sleep 1'
        docker run -d --name ss --stop-signal USR1 busybox sh -c 'trap "echo got; exit 3" USR1; while :; do sleep 0.1; done' | grep -c .
        sleep 0.5; docker stop ss; docker logs ss; docker inspect -f '{{.State.ExitCode}} {{.State.Status}} {{.State.OOMKilled}}' ss
        docker run --name mm -m 16m --memory-swap 16m busybox sh -c 'a=x; while :; do a=$a$a; done'; docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' mm
        ~docker run -d --rm --name gone busybox sleep 100
        docker stop -t 0 gone; sleep 0.5; docker inspect gone
        docker run --restart on-failure:2 --name again busybox sh -c 'exit 4'; docker wait again; sleep 0.5; docker inspect -f '{{.RestartCount}}' again
        docker run --rm --restart always busybox true
        docker run --restart nope busybox true
        docker run -d --restart unless-stopped --name keeps busybox true | grep -c .
        docker update --restart no keeps
        docker run --sig-proxy=false --rm busybox echo proxied
    """,
    "terminals": """
        script -qec "docker run --rm -it busybox sh -c 'tty; stty size | wc -l; echo \\$TERM'" /dev/null
        (sleep 2; echo 'echo $((6*7)); exit 3'; sleep 1) | script -qec "docker run --name tt -it busybox sh" /dev/null
        ~docker run -d -it --name uu --detach-keys ctrl-x busybox cat
        script -qec "docker exec -it uu sh -c 'test -t 1; exit 4'" /dev/null
        script -qec "docker exec --interactive --tty uu test -t 0" /dev/null
        docker run -t --rm busybox tty
        docker exec -t uu tty | cut -c1-9
        (sleep 2; printf 'hello\\n'; sleep 0.5; printf '\\x10\\x11') | script -qec "docker attach uu" /dev/null
        docker inspect -f '{{.State.Running}}' uu
        (sleep 2; printf 'x'; sleep 0.5; printf '\\x01') | script -qec "docker attach --detach-keys ctrl-a uu" /dev/null
        docker attach --no-stdin --sig-proxy=false --detach-keys x nonesuch
        docker run -it --rm busybox true
        echo in | docker run -i --rm busybox cat
        docker run -a stdout --rm busybox sh -c 'echo out; echo err >&2'
        docker container run --attach stderr --rm busybox sh -c 'echo out; echo err >&2'
        docker run -d -a stdout busybox true
        ~docker create -i --name cat busybox cat
        printf 'a\\nb\\n' | docker start -ai cat
        docker container start --attach --detach-keys ctrl-a cat < /dev/null
        docker container start --checkpoint x cat
        docker container start --checkpoint-dir /x --checkpoint y cat
    """,
    "volumes that are mounted": """
        docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=7,noexec,nodev mt
        docker run -d --name keeper -v mt:/data busybox sh -c 'echo hello > /data/file; sleep 100' | grep -c .
        sleep 0.5; docker run --rm -v mt:/x busybox sh -c 'cat /x/file; stat -c "%A %u" /x; grep " /x " /proc/mounts'
        docker run --rm -v mt:/x:ro busybox sh -c 'ls /x; touch /x/file'
        docker cp keeper:/data/file - | tar t
        docker volume rm mt
        docker volume prune -af
        docker volume inspect -f '{{json .Options}}' mt
        docker kill keeper; docker run --rm -v mt:/x busybox ls -A /x
        docker rm keeper; docker create --name later -v mt:/x busybox ls -A /x | grep -c .; docker cp later:/x - | tar t
        docker run --rm --mount type=volume,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=64k busybox df /x | awk '{print $2}'
        docker rm later; docker volume rm mt; docker volume ls -q
        docker volume create -o type=nfs -o device=:/x -o o=addr=localhost,ro,nfsvers=4 nn
        docker run --name no-nfs -v nn:/x busybox true 2>&1 | sed -E 's/[^ :]+_?data/PLACE/g; s/(no such device).*/\1/'
        docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' no-nfs; docker rm no-nfs
        docker run --rm -v nn:/x busybox true 2> /dev/null
        docker volume create -o type=none -o device=/nonesuch -o o=bind bb
        docker run --rm -v bb:/x busybox true 2> /dev/null
    """,
    "published ports are where the default route is": """
        docker network create --internal inn | grep -c .; docker network create outn | grep -c .
        docker network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 hbn | grep -c .
        docker run -d --name web --network inn -p 18081:80 busybox httpd -f -h /etc | grep -c .
        docker port web; docker ps --format '{{.Ports}}'; docker inspect -f '{{json .NetworkSettings.Ports}}' web
        curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        docker network connect outn web; docker port web; curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        docker network connect hbn web; docker port web; curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        docker network disconnect hbn web; docker port web; curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        docker network disconnect outn web; docker port web; docker inspect -f '{{json .NetworkSettings.Ports}}' web
        curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        docker network connect bridge web; docker port web; curl -s -m 2 http://127.0.0.1:18081/hostname | wc -c
        for by in publish=18081 publish=80 publish=18000-18100 expose=80 expose=81 name='w['; do docker ps -f "$by" --format "$by {{.Names}}"; done
        docker ps -f exited=x
        docker run --rm -t -e Z=1 -e A=2 busybox env; docker exec -e B=2 web env
        docker restart -t 0 web; docker port web; curl -s -m 2 --retry 9 --retry-all-errors http://127.0.0.1:18081/hostname | wc -c
        docker rm -f web; docker run -d --name web --network inn -P --expose 80 busybox sleep 100 | grep -c .
        docker inspect -f '{{json .NetworkSettings.Ports}}' web; docker network connect bridge web; docker port web | cut -d: -f1
    """,
    "what cannot be is refused in docker's words": """
        docker create --name made busybox sleep 100 | grep -c .
        docker run -d --name running -p 127.0.0.1:18080:80 busybox sleep 1000 | grep -c .
        docker rename made 'bad name'
        docker exec running ''
        docker exec -u 1:nosuch running true
        docker update -m 1k running
        docker network connect host running
        docker network disconnect -f bridge nosuch
        !docker run --rm --network container:nosuch busybox true
        docker run --rm --network host -p 80:80 busybox true
        docker run --name taken -p 127.0.0.1:18080:80 busybox true
        docker rm taken
        docker volume create 'a b'
        docker run --rm -v relative/path:/x busybox true
        docker ps -f status=bad
        docker ps -f health=bad
        docker ps -f is-task=maybe
        docker ps -f publish=99999 2>&1 | cut -c1-69
        docker ps -f expose=80-70 2>&1 | cut -c1-69
        docker run --rm -u 0:nosuch busybox true
        docker run --rm -u 2147483648 busybox true
        docker exec -u -1 running true
        docker exec -w relative running true
        docker run --rm --device /nosuch busybox true
        docker run --rm --device /etc/passwd busybox true
        docker run --rm --hostname 'bad name' busybox hostname
        docker run --rm --hostname a.b --domainname c busybox tail -1 /etc/hosts
        docker network connect none running
        docker network connect none made
        docker network disconnect none made
        docker pause running | wc -l; docker exec $(docker ps -q) true; docker unpause running
        docker kill nosuch
        docker run --rm --entrypoint '' busybox
        docker run --rm -m 4m busybox true
        docker run --rm --memory-reservation 4m busybox true
        docker run --rm --memory-swap 50m busybox true
        docker run --rm -m 10m --memory-swap 5m busybox true
        docker run --rm --memory-reservation 20m -m 10m busybox true
        docker run --rm --cpu-period 1 busybox true
        docker run --rm --cpu-quota 1 busybox true
        docker run --rm --cpus -1 busybox true
        docker run --rm -v a:b:c:d busybox true
        docker run --rm --log-opt mode=nope busybox true
        docker run --rm --name linking --link made:al busybox true
        docker run --rm --cap-add NOSUCH busybox true
        docker run --rm --cap-drop nosuch busybox true
        docker run --rm --uts host --hostname x busybox true
        docker run --rm --stop-signal BAD busybox true
        !docker run --rm busybox ''
    """,
    "commands in containers": """
        ~docker run -d --name ee -e A=1 busybox sleep 100
        docker exec ee sh -c 'echo $A; pwd; id -u; exit 5'
        docker exec -e B=2 -w /tmp -u 7:8 ee sh -c 'echo $A$B; pwd; id'
        printf 'C=3\\n#no\\nA\\n' > env; docker exec --env-file env ee env | sort | grep -v HOSTNAME
        docker exec --privileged ee grep CapEff /proc/self/status
        echo in | docker exec -i ee cat
        docker exec -d ee touch /made; sleep 0.5; docker exec ee ls /made
        docker exec ee nonesuch
        docker exec -w /nonesuch ee true
        !docker exec -u nonesuch ee true
        docker exec nonesuch true
        docker exec --detach-keys x,y ee echo keys
        docker top ee | awk '{print NF}'
        docker top ee -o pid,args | tail -1 | awk '{print $2,$3}'
        docker container top ee nonsense
        docker top nonesuch
        docker stop -t 0 ee; docker top ee; docker exec ee true
    """,
    "logs": """
        docker run --name ll -t=false busybox sh -c 'echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three'
        docker logs ll
        docker logs ll 2>/dev/null
        docker logs -n 1 ll
        docker logs --tail 0 ll
        docker logs --tail all ll
        docker logs -t ll 2>&1 | cut -c1-4 | uniq
        docker logs --timestamps --since 1h --until 0s ll 2>/dev/null | grep -c one
        docker logs --until 10m ll
        docker logs --since nonsense ll
        docker logs --follow ll
        docker logs nonesuch
        docker run --name dd --log-opt labels=x,y --log-opt env=E -l x=1 -e E=2 busybox echo detailed
        docker logs --details dd
        ~docker run -d --name ff busybox sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.3; done'
        docker logs -f ff
        docker run --name nn --log-driver none busybox echo hidden
        docker logs nn
        docker run --log-driver local --name oo busybox echo local; docker logs oo
        docker run --log-driver syslog busybox true 2>&1 | wc -l
        docker run --log-driver nonesuch busybox true
        docker run --log-opt nonesuch=1 busybox true
        docker run --log-opt max-size=10k --log-opt max-file=2 --name rr busybox sh -c 'seq 1 1000'  | tail -1; docker logs --tail 2 rr
    """,
    "files": """
        ~docker run -d --name cc -v vol:/vol busybox sleep 100
        mkdir -p d/e; echo hi > d/e/f; ln -s e d/link; echo x > file; chmod 640 file
        docker cp d cc:/tmp
        docker exec cc sh -c 'find /tmp/d | sort; cat /tmp/d/e/f'
        docker cp d/. cc:/tmp/into
        docker cp file cc:/tmp/renamed; docker exec cc stat -c '%a %u:%g' /tmp/renamed
        docker cp -a file cc:/etc/; docker exec cc stat -c %a /etc/file
        docker cp file cc:/nonesuch/x
        docker cp nonesuch cc:/tmp
        docker cp cc:/nonesuch .
        docker cp cc:/etc/passwd out; grep -c root out
        docker cp cc:/etc/passwd - | tar tf -
        tar cf - d | docker cp - cc:/home; docker exec cc ls /home
        docker cp cc:/tmp/d outd; find outd | sort
        docker cp -L cc:/tmp/d/link/f followed; cat followed
        docker cp --quiet --follow-link file cc:/vol; docker exec cc cat /vol/file
        docker cp cc:/vol/file cc:/tmp
        docker cp nonesuch:/x .
        docker diff cc | sort
        docker diff nonesuch
        docker stop -t 0 cc
        docker cp file cc:/tmp/later; docker cp cc:/tmp/later -  | tar tf -
        docker export cc | tar tf - | grep -cE '^(etc/passwd|tmp/later)$'
        docker export -o exported cc && tar tf exported | grep -c tmp/d/e/f
        docker container export --output /nonesuch/x cc
        docker export nonesuch
    """,
    "images": """
        docker images --format '{{.Repository}}:{{.Tag}}'
        docker image ls --no-trunc --format '{{.ID}} {{.Size}}'
        docker image ls -q --filter reference='busy*'
        docker image ls --all --digests --format '{{.Digest}}'
        docker image ls --tree | head -3 | wc -l
        docker images --filter dangling=true -q
        docker images --filter nonsense=1
        docker tag busybox mine:v1; docker image tag nonesuch x
        docker tag busybox UPPER
        docker history busybox --format '{{.Comment}} {{.Size}}'
        docker image history --no-trunc --quiet busybox
        docker image history --human=false --format '{{.Size}}' --platform linux/amd64 busybox
        docker image inspect -f '{{.Id}} {{.Architecture}} {{.Os}} {{.Config.Cmd}}' busybox
        docker image inspect --platform linux/amd64 --format '{{.RepoTags}}' mine:v1
        docker image inspect nonesuch
        docker save mine:v1 -o s.tar; tar tf s.tar | grep manifest.json
        docker image save --platform linux/amd64 mine:v1 | tar tf - | grep -c manifest.json
        docker image save --output p.tar mine:v1 busybox && docker rmi mine:v1 && docker load -i p.tar | sort
        docker image load --quiet --input s.tar
        docker load --platform linux/amd64 < s.tar
        docker load -i nonesuch
        !echo bad | docker load
        !docker save nonesuch
        docker rmi mine:v1
        docker rmi nonesuch
        ~docker run -d --name uses busybox sleep 100
        docker tag busybox two; docker rmi --no-prune two; docker rmi busybox; docker rmi -f --platform linux/amd64 nonesuch
        echo hi > f; tar cf r.tar f; docker import -c 'CMD ["x"]' -m msg r.tar made:v1 | cut -c1-7
        cat r.tar | docker image import --change 'ENV A=b' --message why --platform linux/amd64 - made:v2 | cut -c1-7
        docker image inspect -f '{{.Config.Cmd}} {{.Comment}}' made:v1
        docker import -c 'RUN x' r.tar
        docker exec uses touch /new; docker commit -a me -m msg -c 'ENV X=y' uses made:v3 | cut -c1-7
        docker container commit --author you --message m --change 'CMD ["/x"]' --pause=false uses | cut -c1-7
        docker commit nonesuch
        docker image inspect -f '{{.Author}} {{.Comment}} {{.Config.Env}}' made:v3
        docker run --rm made:v3 ls /new
        docker image prune -f | grep -c deleted
        docker image prune --all --force --filter label=x
        docker image prune -af --filter until=1s | grep -c untagged
        docker rmi --force made:v3
        ~docker pull 127.0.0.1:1/x
        ~docker pull -aq --platform linux/amd64 --disable-content-trust 127.0.0.1:1/x
        ~docker push 127.0.0.1:1/x
        ~docker push -aq --platform linux/amd64 --disable-content-trust 127.0.0.1:1/x
        docker search --limit 1000 x
    """,
    "networks": """
        docker network create one | wc -c
        docker network create one
        docker network create --driver bridge --subnet 10.91.0.0/24 --gateway 10.91.0.1 --ip-range 10.91.0.128/25 --aux-address a=10.91.0.200 --label x=y --opt com.docker.network.bridge.name=br-x --attachable two | wc -c
        docker network inspect -f '{{json .IPAM}} {{.Labels}} {{.Options}} {{.Attachable}} {{.Internal}} {{.EnableIPv4}} {{.EnableIPv6}}' two
        docker network inspect --verbose two -f '{{.Name}} {{.Driver}} {{.Scope}}'
        docker network create --internal --ipv6 --subnet fd91::/64 --ipam-driver default three | wc -c
        docker network create --ipv4=false --ipv6 four | wc -c
        docker network create -d nonesuch x
        !docker network create -d overlay x
        !docker network create --ingress -d overlay x
        !docker network create --config-only --subnet 10.92.0.0/24 conf
        !docker network create --config-from conf fromconf && docker network rm fromconf conf
        docker network create --scope swarm x
        docker network create --scope local --ipam-opt a=b five | wc -c
        !docker network create -d macvlan -o parent=lo x
        docker network create --ipam-driver nonesuch x
        docker network create --subnet 10.91.0.0/25 x
        !docker network create --subnet nonsense x
        docker network create bridge
        docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
        docker network ls --no-trunc -q --filter name=two | wc -c
        docker network ls --filter driver=bridge --filter label=x --format '{{.Name}}'
        docker network ls -f type=builtin --format '{{.Name}}'
        ~docker run -d --name aa --network two --ip 10.91.0.150 --network-alias al busybox sleep 100
        ~docker run -d --name bb --network one busybox sleep 100
        docker network connect --alias bb --ip 10.91.0.151 --link aa:aa --gw-priority 1 --driver-opt com.docker.network.endpoint.ifname=eth7 two bb
        docker exec bb sh -c 'ip -o addr show eth7 | grep -o "10[^ ]*" | head -1; ping -c1 -w2 aa | tail -2 | head -1; ping -c 1 al | head -1'
        docker network connect two bb
        docker network connect --link-local-ip 169.254.9.9 five bb && docker network disconnect five bb
        docker network connect --ip6 fd91::99 three aa
        docker exec aa ip -o -6 addr show | grep -o fd91::99
        docker network disconnect two bb
        docker network disconnect two bb
        !docker network disconnect -f two nonesuch
        docker network connect nonesuch aa
        docker network connect two nonesuch
        docker network rm two
        docker network rm bridge
        docker network rm -f nonesuch
        docker network rm nonesuch
        docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{$v.Aliases}}{{"\\n"}}{{end}}' aa
        docker rm -f aa bb; docker network prune -f --filter label!=x | sort
        docker network prune --force
        docker run --rm --network none busybox ip -o addr | wc -l
        docker run --rm --network host busybox ip -o link show lo | wc -l
        docker run --rm --network nonesuch busybox true
        docker run --rm --mac-address 02:42:ac:11:00:99 busybox cat /sys/class/net/eth0/address
        docker run --rm --network name=bridge,mac-address=02:42:ac:11:00:98 busybox cat /sys/class/net/eth0/address
        docker run --rm --link-local-ip 169.254.8.8 busybox true
        !docker run --rm --ip6 fd00::1 busybox true
    """,
    "ports": """
        ~docker run -d --name ww -p 18080:80 -p 127.0.0.1:18081:81/tcp --publish 18082:82/udp --expose 90 -P busybox httpd -f -h /etc
        sleep 0.3; curl -s 127.0.0.1:18080/passwd | grep -c root
        docker port ww 80
        docker port ww 81/tcp
        docker port ww 99
        docker port ww | sed 's/:3[0-9]*$/:PORT/; s/:[4-6][0-9]*$/:PORT/' | sort
        docker port nonesuch
        docker ps --format '{{.Ports}}' | sed -E 's/:(3|4|5)[0-9]{4}/:PORT/g'
        docker run --rm -p 18080:80 busybox true 2>&1 | sed 's/endpoint [^ ]* .*: Bind/Bind/' | tail -1 | grep -c 18080
        docker run --rm -p x:80 busybox true
        docker run --rm -p 80:99999 busybox true
        docker run --rm --publish-all busybox true
        docker inspect -f '{{json .HostConfig.PortBindings}}' ww
        docker rm -f ww; curl -s 127.0.0.1:18080/passwd
    """,
    "volumes": """
        docker volume create v1
        docker volume create v1
        docker volume create --label a=b --driver local v2
        !docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m v7 && docker volume rm v7
        docker volume create --opt type=none --opt o=bind --opt device=$PWD v8
        docker volume create | wc -c
        docker volume create -d nonesuch v3
        docker volume create --name v4
        docker volume create --opt nonsense=1 v5
        !docker volume create 'bad name'
        docker volume create --availability active --group g v6
        docker volume create --type block --scope single --sharing none --limit-bytes 1 --required-bytes 1 --secret a=b --topology-required a=b --topology-preferred c=d v6
        docker volume inspect v2 -f '{{.Driver}} {{.Labels}} {{.Scope}}'
        docker volume inspect nonesuch
        docker volume ls --format '{{.Name}} {{.Driver}}' | grep v
        docker volume ls -q --filter label=a
        docker volume ls --filter dangling=true --filter name=v1 --format '{{.Name}}'
        docker volume ls --cluster
        docker volume update --availability drain v1
        docker run --rm -v v1:/data busybox sh -c 'echo kept > /data/f'
        docker run --rm --mount type=volume,src=v1,dst=/data,readonly busybox sh -c 'cat /data/f; touch /data/g'
        ~docker run -d --name holds -v v1:/data -v /anon --volume-driver local busybox sleep 100
        docker run --rm --volumes-from holds busybox cat /data/f
        docker run --rm --volumes-from holds:ro busybox touch /data/x
        docker run --rm --volumes-from nonesuch busybox true
        docker volume rm v1
        docker volume rm nonesuch
        docker volume rm --force nonesuch v2
        docker ps --filter volume=v1 --format '{{.Names}} {{.LocalVolumes}}'
        docker rm -fv holds
        docker volume prune -f | grep -v '^[0-9a-f]*$'
        docker volume prune --all --force --filter label!=keep | grep -v '^[0-9a-f]\\{64\\}$' | sort
        mkdir bound; echo b > bound/f; docker run --rm -v $PWD/bound:/b:ro busybox sh -c 'cat /b/f; touch /b/g'
        docker run --rm --mount type=bind,src=$PWD/nonesuch,dst=/b busybox true
        docker run --rm -v $PWD/created:/b busybox true; ls -d created
        docker run --rm --mount type=bind,src=$PWD/bound,dst=/b -v $PWD/bound:/b busybox true
        docker run --rm --mount type=volume,src=v10,dst=b busybox true
        docker run --rm --mount type=volume,src=v10,dst=/ busybox true
        docker run --rm --mount type=volume,src=v10,dst=/b,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=$PWD/bound busybox cat /b/f
        docker run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m busybox sh -c 'df -k /t | tail -1 | awk "{print \\$2}"'
        docker run --rm --tmpfs /t:size=2m busybox sh -c 'df -k /t | tail -1 | awk "{print \\$2}"'
        !docker run --rm --mount type=image,src=busybox,dst=/i busybox ls /i/bin/sh
        docker run --rm -v v9:/x:nonsense busybox true
    """,
    "health": """
        ~docker run -d --name hh --health-cmd 'test -e /ok' --health-interval 200ms --health-retries 2 --health-timeout 2s --health-start-period 1ms --health-start-interval 100ms busybox sleep 100
        docker inspect -f '{{json .Config.Healthcheck}}' hh
        until docker inspect -f '{{.State.Health.Status}}' hh | grep unhealthy; do sleep 0.1; done
        docker exec hh touch /ok; until docker inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' hh | grep '^healthy'; do sleep 0.1; done
        docker ps --filter health=healthy --format '{{.Names}} {{.Status}}' | sed 's/Up.*(/(/'
        docker inspect -f '{{(index .State.Health.Log 0).ExitCode}}' hh
        docker run --rm --no-healthcheck busybox true
        docker run --rm --no-healthcheck --health-cmd true busybox true
        docker run --rm --health-cmd true --health-interval 1us busybox true
    """,
    "limits": """
        ~docker run -d --name uu -m 64m --memory-swap 128m --memory-reservation 32m -c 512 --cpu-period 100000 --cpu-quota 50000 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 busybox sleep 100
        docker inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.CpuShares}} {{.CpuPeriod}} {{.CpuQuota}} {{.CpusetCpus}} {{.CpusetMems}} {{.PidsLimit}}{{end}}' uu
        docker update -m 128m --memory-swap 256m --memory-reservation 64m -c 256 --cpu-period 50000 --cpu-quota 20000 --cpuset-cpus 0,1 --cpuset-mems 0 --pids-limit 60 uu
        !docker update --blkio-weight 200 uu
        !docker update --cpu-rt-period 1000 --cpu-rt-runtime 100 uu
        docker update --cpus 0.7 uu
        docker update --restart always uu; docker inspect -f '{{.HostConfig.RestartPolicy}}' uu
        docker update -m 1g uu
        docker update -m 128m nonesuch
        docker update --restart nope uu
        docker inspect -f '{{with .HostConfig}}{{.Memory}} {{.CpuShares}} {{.CpusetCpus}} {{.PidsLimit}}{{end}}' uu
        docker run --rm --cpus 0.5 busybox true
        !docker run --rm --cpus 0.5 --cpu-quota 5 busybox true
        !docker run --rm -m 1m busybox true
        !docker run --rm --cpu-rt-period 1000 --cpu-rt-runtime 100 busybox true
        docker run --rm --kernel-memory 64m busybox true
        docker run --rm --memory-swappiness 50 busybox true
        docker run --rm --oom-kill-disable -m 64m busybox true
        docker run --rm --oom-score-adj 100 busybox cat /proc/self/oom_score_adj
        docker run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'
        docker run --rm --shm-size 1m busybox sh -c 'df -k /dev/shm | tail -1 | awk "{print \\$2}"'
        docker run --rm --cpu-count 1 busybox true
        docker run --rm --cpu-percent 10 busybox true
        docker run --rm --io-maxbandwidth 1m busybox true
        docker run --rm --io-maxiops 10 busybox true
        !docker run --rm --blkio-weight-device /dev/null:100 busybox true
        !docker run --rm --blkio-weight 5 busybox true
        !docker run --rm --device-read-bps /dev/nonesuch:1m busybox true
        docker run --rm --device-read-bps /dev/loop0:1m --device-write-bps /dev/loop0:1m --device-read-iops /dev/loop0:10 --device-write-iops /dev/loop0:10 busybox true
        docker stats --no-stream --format '{{.Name}} {{.PIDs}}' uu
        docker stats --no-stream --all --no-trunc --format '{{.Name}} {{.MemPerc}}' | grep -c uu
        docker stats --no-stream nonesuch
        timeout 3 docker stats --format '{{.Name}}' uu | head -1 | tr -cd a-z
    """,
    "what a container is given": """
        docker run --rm -h box --domainname example.org busybox sh -c 'hostname; cat /proc/sys/kernel/domainname'
        docker run --rm --add-host there:10.1.2.3 --dns 9.9.9.9 --dns-search a.b --dns-option ndots:2 busybox sh -c 'grep there /etc/hosts; grep -v "^#" /etc/resolv.conf | grep . | sort'
        docker run --rm -e A=b --env C= busybox sh -c 'echo $A$C'
        printf 'A=1\\nB=2\\n' > env; printf 'l=1\\n' > labels; docker run --name ii --env-file env --label-file labels -l m=2 --annotation an=no busybox env | grep -E '^(A|B)'; docker inspect -f '{{.Config.Labels}} {{.HostConfig.Annotations}}' ii
        docker run --cidfile cid --name cid busybox true; wc -c < cid; docker run --cidfile cid busybox true
        docker run --rm --entrypoint echo busybox hi
        !docker run --rm --init busybox sh -c 'cat /proc/1/comm'
        docker run --rm -u 7:8 --group-add 9 -w /x/y busybox sh -c 'id; pwd'
        docker run --rm --cap-add NET_ADMIN --cap-drop MKNOD busybox grep CapEff /proc/self/status
        docker run --rm --privileged busybox grep CapEff /proc/self/status
        docker run --rm --read-only busybox touch /x
        docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
        docker run --rm --security-opt nope busybox true
        docker run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward
        docker run --rm --device /dev/fuse --device-cgroup-rule 'c 1:1 rwm' busybox ls /dev/fuse
        docker run --rm --pid host busybox true; docker run --rm --ipc none busybox ls -d /dev/shm; docker run --rm --uts host busybox true
        docker run --rm --cgroupns host busybox true
        docker run --rm --cgroupns nope busybox true
        docker run --rm --userns host busybox true
        docker run --rm --userns nope busybox true
        docker run --rm --cgroup-parent /mine busybox true
        docker run --rm --runtime runc busybox true
        docker run --rm --runtime nonesuch busybox true
        docker run --rm --isolation default busybox true
        docker run --rm --isolation hyperv busybox true
        !docker run --rm --gpus all busybox true
        !docker run --rm --storage-opt size=1g busybox true
        docker run --rm --disable-content-trust busybox true
        docker run --rm --use-api-socket busybox true
        docker run --rm --platform linux/arm64 --pull never busybox true
        ~docker run -d --name linked busybox sleep 100
        docker run --rm --link linked:l busybox sh -c 'env | grep -c L_NAME; grep -c linked /etc/hosts'
        docker run --name linker --link linked busybox true; docker rm --link linker/linked; docker inspect -f '{{.HostConfig.Links}}' linker
    """,
    "a container is created": """
        docker create -h box --domainname example.org --add-host there:10.1.2.3 --dns 9.9.9.9 --dns-search a.b --dns-option ndots:2 -e A=b --name c1 -l m=2 --annotation an=no -a stdout -i -t busybox env | wc -c
        printf 'A=1\\nB=2\\n' > env; printf 'l=1\\n' > labels; docker create --name c2 --env-file env --label-file labels --cidfile cid --entrypoint echo --expose 80 -p 18090:80 -P busybox | wc -c
        docker create --name c3 --tmpfs /u --init -u 7:8 --group-add 9 -w /x/y --cap-add NET_ADMIN --cap-drop MKNOD --privileged --read-only --security-opt no-new-privileges --sysctl net.ipv4.ip_forward=1 busybox | wc -c
        docker create --name c4 --device /dev/fuse --device-cgroup-rule 'c 1:1 rwm' --pid host --ipc none --uts host --cgroupns host --userns host --cgroup-parent /mine --runtime runc busybox | wc -c
        docker create --name c5 -m 64m --memory-swap 128m --memory-reservation 32m --oom-score-adj 100 -c 512 --cpu-period 100000 --cpu-quota 50000 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 --ulimit nofile=100:200 --shm-size 1m busybox | wc -c
        !docker create --blkio-weight 300 busybox
        docker create --name c6 --cpus 0.5 --health-cmd true --health-interval 2s --health-retries 2 --health-timeout 2s --health-start-period 1ms --health-start-interval 1s --log-driver json-file --log-opt max-size=1m busybox | wc -c
        docker create --name c7 --no-healthcheck --network bridge --mac-address 02:42:ac:11:00:99 --link c6 --restart always --stop-signal USR1 --stop-timeout 3 --platform linux/amd64 --pull missing --quiet busybox | wc -c
        ~docker create --mount type=tmpfs,dst=/t --volume-driver local --isolation default busybox
        docker create --name c8 -v vol:/v --volumes-from c7 --disable-content-trust --rm busybox | wc -c
        docker network create --subnet 10.93.0.0/24 --subnet fd93::/64 --ipv6 n93 | wc -c; docker create --name c9 --network n93 --ip 10.93.0.9 --ip6 fd93::9 --network-alias x busybox | wc -c
        !docker create --network n93 --link-local-ip 169.254.7.7 busybox
        !docker create --gpus all busybox
        !docker create --storage-opt size=1g busybox
        !docker create --use-api-socket busybox
        docker create --cpu-count 1 --cpu-percent 1 --io-maxbandwidth 1m --io-maxiops 3 busybox | wc -c
        docker create --cpu-rt-period 1000 --cpu-rt-runtime 10 busybox
        !docker create --kernel-memory 64m busybox
        !docker create --memory-swappiness 50 busybox
        !docker create --oom-kill-disable busybox
        !docker create --blkio-weight-device /dev/null:100 busybox
        !docker create --device-read-bps /dev/loop0:1m --device-write-bps /dev/loop0:1m --device-read-iops /dev/loop0:10 --device-write-iops /dev/loop0:10 busybox
        docker ps -a --format '{{.Names}} {{.Status}} {{.Ports}}' --filter name='^c[0-9]$'
        docker inspect c1 c2 c3 c4 c5 c6 c7 c8 c9 | python3 -c 'import json,sys; [(each["HostConfig"].pop("CgroupnsMode"), (each["HostConfig"]["MaskedPaths"] or []).sort(), each["Config"].pop("MacAddress", 0), print(json.dumps([each["Config"], each["HostConfig"]], sort_keys=True))) for each in json.load(sys.stdin)]'
        docker inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}} {{.Propagation}}{{end}}' c8
        docker create --name c1 busybox
        docker start c9; docker inspect -f '{{json .NetworkSettings.Networks.n93.IPAMConfig}}' c9
    """,
    "inspect": """
        ~docker run -d --name ii busybox sleep 100
        docker inspect --size -f '{{.SizeRw}}' ii
        docker container inspect ii --format '{{.Name}} {{.Path}} {{.Args}} {{.Platform}} {{.Driver}} {{.RestartCount}}'
        docker inspect --type image ii
        docker container inspect nonesuch
        docker inspect ii | python3 -c 'import json,sys; print(sorted(json.load(sys.stdin)[0]))'
        docker inspect ii | python3 -c 'import json,sys; found = json.load(sys.stdin)[0]["HostConfig"]; found.pop("CgroupnsMode"); found["MaskedPaths"].sort(); print(json.dumps(found, sort_keys=True))'
        docker inspect -f '{{json .NetworkSettings.Ports}} {{json .State.Status}} {{json .Config}}' ii
    """,
    "the system": """
        docker version --format '{{.Client.Version}}'
        docker system info -f '{{.Driver}} {{.LoggingDriver}} {{.OSType}} {{.Architecture}} {{.NCPU}}' | wc -w
        docker info > /dev/null
        ~docker run -d --name ii -v v:/v busybox sleep 100
        docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
        docker system df -v | grep -E '^[A-Z]'
        docker system events --since 1m --until 0s --filter container=i --format '{{.Type}} {{.Action}}'
        docker system events --since 1m --until 0s --filter type=network --filter event=connect --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}'
        !docker events --until 0s --filter nonsense=x
        docker events --until 0s --since nonsense
        docker rm -f ii
        docker events --since 1m --until 0s --filter container=i --format '{{.Action}}{{if .Actor.Attributes.exitCode}} {{.Actor.Attributes.exitCode}}{{end}}'
        docker system prune -f --filter label=keep
        docker system prune --all --volumes --force --filter label=keep
        docker context create other --docker host=$DOCKER_HOST && docker --context other ps -q; docker context ls --format '{{.Name}}'; docker context rm other
        !docker swarm init
        docker node ls
        docker service ls
        docker plugin ls
        docker plugin inspect x
        docker secret ls
        docker config ls
        docker checkpoint ls ii
        docker nonsense
    """,
    "a build": """
        printf 'FROM busybox AS t\\nARG a\\nRUN echo $a > /made\\nFROM t\\nCMD cat /made\\n' > Dockerfile; docker build -q -t built .
        docker run --rm built
        ~docker build -t built -t built:2 .
        docker image build --tag built --file Dockerfile --build-arg a=b --label x=y --no-cache --pull=false --rm --force-rm --network none --memory 64m --memory-swap 64m --shm-size 1m --cpu-shares 5 --cpu-period 10000 --cpu-quota 5000 --cpuset-cpus 0 --cpuset-mems 0 --ulimit nofile=100 --add-host a:1.2.3.4 --cache-from busybox --compress --disable-content-trust --iidfile id --isolation default --platform linux/amd64 --target t --quiet .
        test "$(cat id)" = "$(docker image inspect -f '{{.Id}}' built)"; docker image inspect -f '{{.Config.Labels.x}}' built; docker run --rm built cat /made
        docker image build --quiet --cgroup-parent x .
        docker image build --security-opt x .
        docker image build --squash .
        docker build -q --target nothing .
        docker build -q nothing
        printf 'FROM busybox\\nRUN exit 7\\n' | docker build --no-cache -
        printf 'FROM busybox\\nRUNN x\\n' | docker build -q -
        printf 'FROM busybox\\nCOPY nothing /\\n' | docker build -q -
        mkdir d; echo f > d/f; printf 'FROM busybox\\nCOPY f /\\nCMD cat /f\\n' | docker build -q -t other -f - d; docker run --rm other
        tar -C d -c . | docker build -q -f nothing -
        ~docker builder prune -f
    """,
}
