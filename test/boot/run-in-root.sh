#!/bin/bash
# Runs a boot script as root of a throw-away copy of this machine's file system (an overlay in a private mount namespace),
# with stand-ins for what only an instance has: dnf, the AWS command line, the CloudWatch agent and systemd as init.
# Usage: unshare --mount --propagation private run-in-root.sh <script> <asset directory> <node> <health port> [environment file]
# With an environment file the script is the one for machines on premise: it gets both as arguments and runs twice.
set -euo pipefail
boot_script=$1 asset=$2 node=$3 port=$4 environment=${5:-}

work=$(mktemp -d)
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/asset" "$root/opt/aws/amazon-cloudwatch-agent/bin" "$root/tmp" "$root/run"
cp -r "$asset/." "$root/asset/"
cp "$boot_script" "$root/boot.sh"
cp "$node" "$root/usr/local/bin/stand-in-node"
ln -sf /usr/local/bin/stand-in-node "$root/usr/bin/node"
[[ -z $environment ]] || cp "$environment" "$root/worker.env"

program() {
  cat >"$root$1"
  chmod 0755 "$root$1"
}

program /usr/bin/dnf <<'EOF'
#!/bin/bash
echo "dnf $*" >>/stand-ins.log
[[ $* == *nodejs24* ]] && ln -sf /usr/local/bin/stand-in-node /usr/bin/node-24
EOF
program /usr/bin/aws <<'EOF'
#!/bin/bash
echo "aws $*" >>/stand-ins.log
case "$1 $2" in
  's3 cp') touch "${@: -1}" ;;
  'ssm get-parameter') printf '%s\n' 'pa"ss $HOME `id` \n' ;;
  *) exit 1 ;;
esac
EOF
program /usr/bin/unzip <<'EOF'
#!/bin/bash
cp -r /asset/. "${@: -1}"
EOF
program /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl <<'EOF'
#!/bin/bash
exec /usr/bin/node-24 -e 'JSON.parse(require("fs").readFileSync("/etc/queue-fleet/cloudwatch-agent.json", "utf8"))'
EOF
# Starts the worker as the unit says: its environment, then its environment files, its user, its directory, its program, its log.
program /usr/bin/systemctl <<'EOF'
#!/bin/bash
echo "systemctl $*" >>/stand-ins.log
running() { kill -0 "$(cat /worker.pid)" 2>/dev/null; }
case $1 in
  is-active) running; exit ;;
  stop)
    kill -TERM "$(cat /worker.pid)"
    while running; do sleep 0.1; done
    ;;
esac
[[ $1 == enable ]] || exit 0
unit=/etc/systemd/system/queue-fleet-worker.service
value() { sed -n "s/^$1=//p" "$unit"; }
# As systemd does: the files must be there for ExecStartPre too, and are read again for the program.
for file in $(value EnvironmentFile); do
  [[ $file == -* || -f $file ]] || { echo "Failed to load environment files: $file" >>/stand-ins.log; exit 1; }
done
pre=$(value ExecStartPre)
[[ -z $pre ]] || "${pre#+}"
set -a
for pair in $(value Environment); do export "${pair?}"; done
for file in $(value EnvironmentFile); do . "${file#-}"; done
set +a
cd "$(value WorkingDirectory)"
log=$(value StandardOutput)
setpriv --reuid "$(value User)" --regid "$(value Group)" --clear-groups $(value ExecStart) >>"${log#append:}" 2>&1 &
echo $! >/worker.pid
EOF

# As cloud-init runs it: with next to no environment.
run() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/bash "$@"; }
arguments=()
[[ -z $environment ]] || arguments=(/asset /worker.env 10)
code=0
run /boot.sh "${arguments[@]}" || code=$?
if [[ -n $environment ]]; then run /boot.sh "${arguments[@]}" || code=$?; fi
echo "boot script: exit $code"
run -c "
  # Ready is one thing, the lifecycle hook another: a moment for the call.
  if grep -q LAUNCH_HOOK /etc/queue-fleet/worker.env; then
    for _ in {1..50}; do grep -q complete-launch /var/log/queue-fleet/worker.log && break; sleep 0.1; done
  fi
  echo ready: \$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:$port/ready)
  echo user: \$(ps -o user= -p \$(cat /worker.pid))
  stat -c 'mode: %a %U:%G %n' /etc/queue-fleet/worker.env /etc/queue-fleet /opt/queue-fleet/main.js /var/log/queue-fleet
  [ ! -f /run/queue-fleet/secrets.env ] || stat -c 'mode: %a %U:%G %n' /run/queue-fleet/secrets.env
  sed 's/^/stand-in: /' /stand-ins.log
  kill -TERM \$(cat /worker.pid)
  while kill -0 \$(cat /worker.pid) 2>/dev/null; do sleep 0.1; done
  sed 's/^/log: /' /var/log/queue-fleet/worker.log
"
