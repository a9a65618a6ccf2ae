#!/bin/bash
# Installs a queue worker as a systemd service on a machine outside of EC2, or another version of it: see on-premise.md.
# Usage, as root: install-on-premise.sh <directory of the worker> <environment file> [seconds until it must be ready]
set -euo pipefail
umask 022
directory=${1:?the directory with main.js} environment=${2:?the environment file} patience=${3:-60}

die() {
  echo "install-on-premise: $*" >&2
  exit 1
}
[[ -f $directory/main.js ]] || die "$directory holds no main.js"
[[ -f $environment ]] || die "$environment is not a file"
port=$(sed -n 's/^QUEUE_FLEET_HEALTH_PORT="\([0-9]*\)"$/\1/p' "$environment")
[[ ${port:-0} -gt 0 ]] || die 'set QUEUE_FLEET_HEALTH_PORT to the port of the health endpoints'
node=$(command -v node) || die 'node is not installed'
major=$("$node" -p 'process.versions.node.split(".")[0]')
((major >= 22)) || die "Node.js $major is too old: install 22 or later"

id queue-fleet >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin queue-fleet
install -d -m 0750 -g queue-fleet /etc/queue-fleet
install -d -m 0750 -o queue-fleet -g queue-fleet /var/log/queue-fleet

# The old version finishes its work before its files go.
if systemctl is-active --quiet queue-fleet-worker.service; then systemctl stop queue-fleet-worker.service; fi
rm -rf /opt/queue-fleet
install -d -m 0755 /opt/queue-fleet
cp -r "$directory/." /opt/queue-fleet/
chmod -R go-w,a+rX /opt/queue-fleet
install -m 0640 -g queue-fleet "$environment" /etc/queue-fleet/worker.env

cat >/etc/systemd/system/queue-fleet-worker.service <<EOF
[Unit]
Description=Queue worker (cdk-queue-fleet)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
User=queue-fleet
Group=queue-fleet
WorkingDirectory=/opt/queue-fleet
EnvironmentFile=/etc/queue-fleet/worker.env
ExecStart=$node --enable-source-maps main.js
Restart=always
RestartSec=2
RestartPreventExitStatus=78
KillMode=mixed
TimeoutStopSec=infinity
StandardOutput=append:/var/log/queue-fleet/worker.log
StandardError=inherit
TasksMax=4096
LimitNOFILE=65536
OOMPolicy=stop
StateDirectory=queue-fleet
CacheDirectory=queue-fleet
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=/var/log/queue-fleet
PrivateTmp=yes
Environment=TMPDIR=/var/tmp
PrivateDevices=yes
DevicePolicy=closed
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
KeyringMode=private
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
EOF
systemctl daemon-reload
systemctl enable --now queue-fleet-worker.service

deadline=$((SECONDS + patience))
until curl -fsS -o /dev/null -m 5 "http://127.0.0.1:$port/ready" 2>/dev/null; do
  ((SECONDS < deadline)) || die 'the worker is not ready: see /var/log/queue-fleet/worker.log'
  sleep 1
done
echo 'install-on-premise: the worker is ready'
