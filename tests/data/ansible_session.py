"""An ordinary play of ansible's community.docker modules; what has come of each task is printed as JSON."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PLAY = r"""
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ python }}"
    web:
      name: play-web
      image: busybox
      command: [sh, -c, "echo $GREETING > /www/index.html; exec httpd -f -h /www"]
      env: {GREETING: hello}
      labels: {of: play}
      volumes: ["play-data:/www"]
      networks: [{name: play-net, aliases: [site]}]
      published_ports: ["127.0.0.1:18190:80"]
      healthcheck: {test: [CMD, test, -e, /www/index.html], interval: 200ms, retries: 20}
      memory: 64M
      restart_policy: unless-stopped
      stop_timeout: 1
      image_name_mismatch: recreate
  tasks:
    - {docker_host_info: {containers: true, images: true, networks: true, volumes: true, disk_usage: true}, register: host}
    - {docker_network: {name: play-net, ipam_config: [{subnet: 10.96.0.0/24}], labels: {of: play}}, register: network}
    - {docker_network: {name: play-net, ipam_config: [{subnet: 10.96.0.0/24}], labels: {of: play}}, register: network_again}
    - {docker_network_info: {name: play-net}, register: network_info}
    - {docker_volume: {name: play-data, labels: {of: play}}, register: volume}
    - {docker_volume: {name: play-data, labels: {of: play}}, register: volume_again}
    - {docker_volume_info: {name: play-data}, register: volume_info}
    - {docker_image_info: {name: busybox}, register: image_info}
    - {docker_image_tag: {name: busybox, repository: ["play-image:v1"]}, register: image_tag}
    - {docker_image: {name: play-image, tag: v1, source: local, repository: "play-image:v2"}, register: image}
    - {docker_image_export: {name: "play-image:v1", path: "{{ folder }}/image.tar"}, register: image_export}
    - {docker_image_remove: {name: "play-image:v1"}, register: image_remove}
    - {docker_image_load: {path: "{{ folder }}/image.tar"}, register: image_load}
    - {docker_container: "{{ web | combine({'state': 'healthy'}) }}", register: container}
    - {docker_container: "{{ web }}", register: container_again}
    - {docker_container: "{{ web | combine({'memory': '128M', 'memory_swap': '256M'}) }}", register: container_updated}
    - {docker_container: "{{ web | combine({'env': {'GREETING': 'again'}}) }}", register: container_recreated}
    - {docker_container_info: {name: play-web}, register: container_info}
    - {uri: {url: "http://127.0.0.1:18190/", return_content: true}, register: page, retries: 20, delay: 1, until: page is success}
    - docker_container_exec: {container: play-web, argv: [sh, -c, "read line; echo got $line; echo err >&2; exit 3"], stdin: typed}
      register: executed
      failed_when: false
    - {docker_container_copy_into: {container: play-web, content: "copied\n", container_path: /copied, mode: "0640"}, register: copied}
    - {docker_container_copy_into: {container: play-web, content: "copied\n", container_path: /copied, mode: "0640"}, register: copied_again}
    - docker_container: {name: play-once, image: busybox, command: "sh -c 'echo once; exit 4'", detach: false, cleanup: true}
      register: once
      failed_when: false
    - {docker_container: {name: play-web, state: stopped}, register: stopped}
    - {docker_container: {name: play-web, state: absent, keep_volumes: false}, register: absent}
    - {docker_container: {name: play-bad, image: "127.0.0.1:1/nonesuch"}, register: bad, failed_when: false}
    - {docker_volume: {name: play-data, state: absent}, register: volume_absent}
    - {docker_network: {name: play-net, state: absent}, register: network_absent}
    - {docker_image: {name: play-image, tag: v2, state: absent}, register: image_absent}
    - {docker_image_remove: {name: "play-image:v1"}, register: image_removed}
    - {docker_prune: {containers: true, images: true, networks: true, volumes: true}, register: pruned}
    - copy:
        dest: "{{ folder }}/told"
        content: |-
          {{ {
            'changed': dict(names | zip(names | map('extract', vars) | map(attribute='changed'))),
            'host': host.keys() | sort,
            'server': host.host_info.keys() | sort,
            'network': network_info.network.IPAM,
            'volume': volume_info.volume | dict2items | rejectattr('key', 'in', ['CreatedAt', 'Mountpoint']) | items2dict,
            'image': image_info.images[0].keys() | sort,
            'health': container.container.State.Health.Status,
            'config': container_info.container.Config | dict2items | rejectattr('key', 'in', ['Hostname']) | items2dict,
            'memory': container_info.container.HostConfig.Memory,
            'page': page.content,
            'executed': [executed.stdout, executed.stderr, executed.rc],
            'once': [once.status, once.container.Output],
            'bad': bad.msg is defined,
            'loaded': image_load.image_names,
          } | to_json }}
      vars:
        names: [network, network_again, volume, volume_again, image_tag, image, image_export, image_remove, image_load, container,
          container_again, container_updated, container_recreated, copied, copied_again, stopped, absent, volume_absent,
          network_absent, image_absent, image_removed, pruned]
"""

with tempfile.TemporaryDirectory() as folder:
    play, told = Path(folder, "play.yml"), Path(folder, "told")
    play.write_text(
        PLAY.replace("- {docker_", "- {community.docker.docker_").replace("- docker_", "- community.docker.docker_")
    )
    words = [
        sys.executable,
        "-m",
        "ansible.cli.playbook",
        "-v",
        "-i",
        "localhost,",
        "-e",
        f"python={sys.executable} folder={folder}",
        str(play),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    print(json.dumps(json.loads(told.read_text()), indent=1))
