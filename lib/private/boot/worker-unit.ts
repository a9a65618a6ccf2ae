import { type BootScriptInput, HOME, NODE } from './input';

/** The hardened unit of the worker. Node compiles code at run time, so MemoryDenyWriteExecute is not possible. */
export function workerUnit(
  input: Pick<BootScriptInput, 'stopTimeoutSeconds' | 'memoryMax' | 'secrets' | 'companion'>,
): string {
  const companion = input.companion ? ' queue-fleet-companion.service' : '';
  return `[Unit]
Description=Queue worker (cdk-queue-fleet)
Documentation=https://github.com/cdk-queue-fleet/cdk-queue-fleet
Wants=network-online.target${companion}
After=network-online.target${companion}
StartLimitIntervalSec=300
StartLimitBurst=10
OnFailure=queue-fleet-unhealthy.service

[Service]
Type=exec
User=queue-fleet
Group=queue-fleet
WorkingDirectory=${HOME}
EnvironmentFile=/etc/queue-fleet/worker.env
${input.secrets.length > 0 ? SECRETS : ''}ExecStart=${NODE} --enable-source-maps main.js
# The worker ends by itself after a drain; whether it is wanted again, it asks the group when it is back.
Restart=always
RestartSec=2
# 78: the configuration is wrong, and will be the next time too.
RestartPreventExitStatus=78
# The drain belongs to the worker: only it gets SIGTERM, its children are its own to stop.
KillMode=mixed
TimeoutStopSec=${input.stopTimeoutSeconds}
StandardOutput=append:/var/log/queue-fleet/worker.log
StandardError=inherit
MemoryMax=${input.memoryMax}
TasksMax=4096
LimitNOFILE=65536
OOMPolicy=stop
StateDirectory=queue-fleet
CacheDirectory=queue-fleet
${HARDENING}
[Install]
WantedBy=multi-user.target
`;
}

/** systemd reads the files before ExecStartPre too, when the first start has not written this one yet: hence the dash. */
export const SECRETS = `EnvironmentFile=-/run/queue-fleet/secrets.env
ExecStartPre=+/usr/local/libexec/queue-fleet/secrets
`;

/** See \`systemd-analyze security queue-fleet-worker.service\`. */
export const HARDENING = `NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=/var/log/queue-fleet
PrivateTmp=yes
# /tmp of Amazon Linux 2023 is memory, half of it at most; this is the volume. Both are emptied when the service ends.
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
`;
