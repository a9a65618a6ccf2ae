import type { BootScriptInput } from './input';

export const LOGROTATE = `/var/log/queue-fleet/*.log {
  size 50M
  rotate 4
  missingok
  notifempty
  copytruncate
  compress
  su queue-fleet queue-fleet
}
`;

/** The distribution's own timer looks once a day: too seldom for a talkative worker and a small disk. */
export const LOGROTATE_UNIT = `[Unit]
Description=Rotates the logs of the queue worker

[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --state /var/lib/misc/queue-fleet-logrotate.status /etc/queue-fleet/logrotate.conf
`;

export const LOGROTATE_TIMER = `[Unit]
Description=Rotates the logs of the queue worker

[Timer]
OnActiveSec=1h
OnUnitActiveSec=1h

[Install]
WantedBy=timers.target
`;

/** The worker's lines, metric records included: CloudWatch Logs takes the metrics out of them. */
export function agentConfiguration(input: Pick<BootScriptInput, 'logGroupName' | 'companion'>): string {
  const stream = (name: string, file: string): object => ({
    file_path: file,
    log_group_name: input.logGroupName,
    log_stream_name: `{instance_id}/${name}`,
  });
  const streams = [
    stream('worker', '/var/log/queue-fleet/worker.log'),
    stream('boot', '/var/log/cloud-init-output.log'),
    ...(input.companion ? [stream('companion', '/var/log/queue-fleet/companion.log')] : []),
  ];
  return JSON.stringify({
    agent: { run_as_user: 'root' },
    logs: { logs_collected: { files: { collect_list: streams } } },
  });
}
