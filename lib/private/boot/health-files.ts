/**
 * Three failures of /live in a row restart the worker, nine report the instance as unhealthy: then two restarts did not
 * help. A worker that ends by itself, again and again, is reported by the unit's start limit.
 */
export function healthScript(port: number): string {
  return `#!/bin/bash
set -euo pipefail
count_file=/run/queue-fleet-health
systemctl is-active --quiet queue-fleet-worker.service || exit 0
if curl -fsS -o /dev/null -m 5 http://127.0.0.1:${port}/live; then
  rm -f "$count_file"
  exit 0
fi
count=$(($(cat "$count_file" 2>/dev/null || echo 0) + 1))
echo "$count" >"$count_file"
if ((count >= 9)); then
  rm -f "$count_file"
  echo 'queue-fleet: /live fails after two restarts too, reporting the instance as unhealthy'
  systemctl start --no-block queue-fleet-unhealthy.service
elif ((count % 3 == 0)); then
  echo 'queue-fleet: /live failed three times, restarting the worker'
  systemctl restart --no-block queue-fleet-worker.service
fi
`;
}

export const HEALTH_UNIT = `[Unit]
Description=Liveness check of the queue worker

[Service]
Type=oneshot
ExecStart=/usr/local/libexec/queue-fleet/health
`;

export const HEALTH_TIMER = `[Unit]
Description=Liveness check of the queue worker

[Timer]
OnActiveSec=60
OnUnitActiveSec=15
AccuracySec=1

[Install]
WantedBy=timers.target
`;

/**
 * Tells the group to replace this instance. A worker that ends at once is given up within the group's grace period, and nothing
 * would report it again: hence without it. While the instance launches the call is refused; the hook ends that.
 */
export const UNHEALTHY_SCRIPT = `#!/bin/bash
set -euo pipefail
metadata=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
read_metadata() { curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"; }
instance=$(read_metadata instance-id)
region=$(read_metadata placement/region)
aws autoscaling set-instance-health --region "$region" --instance-id "$instance" --health-status Unhealthy \\
  --no-should-respect-grace-period
`;

export const UNHEALTHY_UNIT = `[Unit]
Description=Reports this instance as unhealthy to its Auto Scaling group
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/local/libexec/queue-fleet/unhealthy
Restart=on-failure
RestartSec=30
`;
