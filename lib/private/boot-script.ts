/**
 * What one instance does at its first boot, as the text of a bash script.
 *
 * Kept apart from CDK: a function of strings, so that a test can check it with shellcheck, verify its units and run it.
 * Strings may be unresolved tokens. The script is part of the launch template: a change of it replaces the instances.
 */
export interface BootScriptInput {
  readonly region: string;
  readonly bucketName: string;
  readonly objectKey: string;
  /** Content of the worker's environment file. */
  readonly environmentFile: string;
  readonly healthPort: number;
  readonly logGroupName: string;
  /** How long the instance may take until the worker is ready, whole seconds. */
  readonly readyWithinSeconds: number;
  /** How long systemd waits for the drain, whole seconds. */
  readonly stopTimeoutSeconds: number;
  /** systemd's `MemoryMax`, for example `90%`. */
  readonly memoryMax: string;
  /** Secrets to fetch before each start. */
  readonly secrets: readonly SecretSource[];
  /** A program or container that runs beside the worker. */
  readonly companion?:
    | { readonly kind: 'command'; readonly command: readonly string[] }
    | { readonly kind: 'container'; readonly image: string; readonly registry: string };
  /** Names of the variables that a container gets. */
  readonly environmentNames: readonly string[];
}

/** Where the value of one environment variable comes from. */
export interface SecretSource {
  readonly name: string;
  readonly kind: 'parameter' | 'secret';
  /** Name of the parameter, or ARN of the secret. */
  readonly id: string;
  /** Field of a JSON secret. */
  readonly field?: string;
}

/** Ends every here-document; no generated line may be equal to it. */
const EOF = 'QUEUE_FLEET_EOF';
const HOME = '/opt/queue-fleet';

/** The program that AL2023's package installs: the plain `node` may point to another version. */
export const NODE = '/usr/bin/node-24';

/** The whole script. */
export function bootScript(input: BootScriptInput): string {
  const packages = ['nodejs24', 'unzip', 'logrotate', 'amazon-cloudwatch-agent'];
  if (input.companion?.kind === 'container') packages.push('docker');
  const units = ['queue-fleet-worker.service', 'queue-fleet-health.timer', 'queue-fleet-logrotate.timer'];
  if (input.companion) units.unshift('queue-fleet-companion.service');
  const logs = (input.companion ? ['worker', 'companion'] : ['worker']).map(
    (name) => `install -m 0640 -o queue-fleet -g queue-fleet /dev/null /var/log/queue-fleet/${name}.log`,
  );
  return `#!/bin/bash
# Boots one queue worker. Written by cdk-queue-fleet; do not edit on the instance.
set -euo pipefail
umask 022
export AWS_DEFAULT_REGION='${input.region}'

say() { echo "queue-fleet boot: $*"; }
trap 'say "failed at line $LINENO: the launch hook will replace this instance"' ERR

retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    "$@" && return 0
    say "attempt $attempt failed: $1"
    sleep $((attempt * attempt))
  done
  return 1
}

retry dnf install -y --setopt=install_weak_deps=False ${packages.join(' ')}
id queue-fleet >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin queue-fleet
install -d -m 0755 ${HOME} /usr/local/libexec/queue-fleet
install -d -m 0750 -g queue-fleet /etc/queue-fleet
install -d -m 0750 -o queue-fleet -g queue-fleet /var/log/queue-fleet
# systemd would create them as root, and logrotate, as the owner of the directory, could not truncate them.
${logs.join('\n')}

retry aws s3 cp --only-show-errors 's3://${input.bucketName}/${input.objectKey}' /var/tmp/queue-fleet.zip
unzip -q -o /var/tmp/queue-fleet.zip -d ${HOME}
rm -f /var/tmp/queue-fleet.zip
chmod -R go-w,a+rX ${HOME}

${file('/etc/queue-fleet/worker.env', '0640', input.environmentFile)}
${file('/etc/systemd/system/queue-fleet-worker.service', '0644', workerUnit(input))}
${file('/usr/local/libexec/queue-fleet/health', '0755', healthScript(input.healthPort))}
${file('/etc/systemd/system/queue-fleet-health.service', '0644', HEALTH_UNIT)}
${file('/etc/systemd/system/queue-fleet-health.timer', '0644', HEALTH_TIMER)}
${file('/usr/local/libexec/queue-fleet/unhealthy', '0755', UNHEALTHY_SCRIPT)}
${file('/etc/systemd/system/queue-fleet-unhealthy.service', '0644', UNHEALTHY_UNIT)}
${file('/etc/queue-fleet/logrotate.conf', '0644', LOGROTATE)}
${file('/etc/systemd/system/queue-fleet-logrotate.service', '0644', LOGROTATE_UNIT)}
${file('/etc/systemd/system/queue-fleet-logrotate.timer', '0644', LOGROTATE_TIMER)}
${file('/etc/queue-fleet/cloudwatch-agent.json', '0644', agentConfiguration(input))}
${input.secrets.length > 0 ? file('/usr/local/libexec/queue-fleet/secrets', '0755', secretsScript(input.secrets)) : ''}
${input.companion ? file('/etc/systemd/system/queue-fleet-companion.service', '0644', companionUnit(input.companion, input)) : ''}
chgrp queue-fleet /etc/queue-fleet/worker.env

/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \\
  -c file:/etc/queue-fleet/cloudwatch-agent.json
systemctl daemon-reload
systemctl enable --now ${units.join(' ')}

# The worker itself completes the launch hook after its first successful poll; here only the boot log learns of it.
deadline=$((SECONDS + ${input.readyWithinSeconds}))
until curl -fsS -o /dev/null -m 5 http://127.0.0.1:${input.healthPort}/ready 2>/dev/null; do
  if ((SECONDS >= deadline)); then
    say 'the worker is not ready: see /var/log/queue-fleet/worker.log'
    exit 1
  fi
  sleep 2
done
say 'the worker is ready'
`.replace(/\n{3,}/g, '\n\n');
}

/** A file written by the script; its content is taken literally by the shell. */
function file(path: string, mode: string, content: string): string {
  return `install -m ${mode} /dev/null ${path}\ncat >${path} <<'${EOF}'\n${content.trimEnd()}\n${EOF}`;
}

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
const SECRETS = `EnvironmentFile=-/run/queue-fleet/secrets.env
ExecStartPre=+/usr/local/libexec/queue-fleet/secrets
`;

/** See \`systemd-analyze security queue-fleet-worker.service\`. */
const HARDENING = `NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=/var/log/queue-fleet
PrivateTmp=yes
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

/**
 * Three failures of /live in a row restart the worker, nine report the instance as unhealthy: then two restarts did not
 * help. A worker that ends by itself, again and again, is reported by the unit's start limit.
 */
function healthScript(port: number): string {
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

const HEALTH_UNIT = `[Unit]
Description=Liveness check of the queue worker

[Service]
Type=oneshot
ExecStart=/usr/local/libexec/queue-fleet/health
`;

const HEALTH_TIMER = `[Unit]
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
const UNHEALTHY_SCRIPT = `#!/bin/bash
set -euo pipefail
metadata=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
read_metadata() { curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"; }
instance=$(read_metadata instance-id)
region=$(read_metadata placement/region)
aws autoscaling set-instance-health --region "$region" --instance-id "$instance" --health-status Unhealthy \\
  --no-should-respect-grace-period
`;

const UNHEALTHY_UNIT = `[Unit]
Description=Reports this instance as unhealthy to its Auto Scaling group
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/local/libexec/queue-fleet/unhealthy
Restart=on-failure
RestartSec=30
`;

const LOGROTATE = `/var/log/queue-fleet/*.log {
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
const LOGROTATE_UNIT = `[Unit]
Description=Rotates the logs of the queue worker

[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --state /var/lib/misc/queue-fleet-logrotate.status /etc/queue-fleet/logrotate.conf
`;

const LOGROTATE_TIMER = `[Unit]
Description=Rotates the logs of the queue worker

[Timer]
OnActiveSec=1h
OnUnitActiveSec=1h

[Install]
WantedBy=timers.target
`;

/** The worker's lines, metric records included: CloudWatch Logs takes the metrics out of them. */
function agentConfiguration(input: Pick<BootScriptInput, 'logGroupName' | 'companion'>): string {
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

/** Writes the secrets where only a reboot can find them: in memory. One value per line, as systemd reads it. */
function secretsScript(secrets: readonly SecretSource[]): string {
  const lines = secrets.map(({ name, kind, id, field }) => {
    const fetch =
      kind === 'parameter'
        ? `aws ssm get-parameter --with-decryption --name '${id}' --query Parameter.Value --output text`
        : `aws secretsmanager get-secret-value --secret-id '${id}' --query SecretString --output text`;
    const pick =
      field === undefined
        ? ''
        : ` | ${NODE} -e 'process.stdout.write(String(JSON.parse(require("fs").readFileSync(0, "utf8"))[process.argv[1]]))' '${field}'`;
    // An assignment of its own: only so a failed fetch ends the script.
    return `value=$(${fetch}${pick})\n  put '${name}' "$value"`;
  });
  return `#!/bin/bash
set -euo pipefail
umask 077
AWS_DEFAULT_REGION=$(sed -n 's/^AWS_REGION="\\(.*\\)"$/\\1/p' /etc/queue-fleet/worker.env)
export AWS_DEFAULT_REGION
install -d -m 0750 -g queue-fleet /run/queue-fleet
put() {
  local value=$2
  case $value in *$'\\n'*) echo "queue-fleet: secret $1 has more than one line" >&2; return 1 ;; esac
  value=\${value//\\\\/\\\\\\\\}
  value=\${value//\\"/\\\\\\"}
  value=\${value//\\$/\\\\\\$}
  value=\${value//\\\`/\\\\\\\`}
  printf '%s="%s"\\n' "$1" "$value"
}
{
${lines.map((line) => `  ${line}`).join('\n')}
} >/run/queue-fleet/secrets.new
chgrp queue-fleet /run/queue-fleet/secrets.new
chmod 0640 /run/queue-fleet/secrets.new
mv /run/queue-fleet/secrets.new /run/queue-fleet/secrets.env
`;
}

/**
 * The server that handles messages over HTTP. A container shares the instance's network: behind a bridge it would be one
 * hop too far from instance metadata to get the role's credentials. No port of the instance is open to others.
 */
function companionUnit(companion: NonNullable<BootScriptInput['companion']>, input: BootScriptInput): string {
  const docker = companion.kind === 'container' ? 'docker.service' : '';
  const secrets = input.secrets.length > 0 ? SECRETS : '';
  const service =
    companion.kind === 'command'
      ? `User=queue-fleet
Group=queue-fleet
WorkingDirectory=${HOME}
EnvironmentFile=/etc/queue-fleet/worker.env
${secrets}ExecStart=${companion.command.map((part, index) => quoteForSystemd(index === 0 ? absolute(part) : part)).join(' ')}
${HARDENING}`
      : `EnvironmentFile=/etc/queue-fleet/worker.env
${secrets}ExecStartPre=/bin/bash -c "aws ecr get-login-password --region '${input.region}' | docker login --username AWS --password-stdin '${companion.registry}'"
ExecStartPre=/usr/bin/docker pull --quiet ${companion.image}
ExecStartPre=-/usr/bin/docker rm --force queue-fleet
ExecStart=/usr/bin/docker run --rm --name queue-fleet --network host --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges ${input.environmentNames.map((name) => `--env ${name} `).join('')}${companion.image}
ExecStop=/usr/bin/docker stop --time 30 queue-fleet
# A large image takes longer to pull than the 90 seconds of systemd.
TimeoutStartSec=${input.readyWithinSeconds}
`;
  return `[Unit]
Description=Message handler beside the queue worker
Wants=network-online.target
After=network-online.target
${docker && `Requires=${docker}\nAfter=${docker}\n`}PartOf=queue-fleet-worker.service
Before=queue-fleet-worker.service
StartLimitIntervalSec=300
StartLimitBurst=10
OnFailure=queue-fleet-unhealthy.service

[Service]
Type=exec
Restart=always
RestartSec=2
StandardOutput=append:/var/log/queue-fleet/companion.log
StandardError=inherit
${service}
[Install]
WantedBy=multi-user.target
`;
}

/** systemd starts programs by absolute path or from its own search path. */
function absolute(program: string): string {
  return program.startsWith('.') ? `${HOME}/${program.replace(/^\.\//, '')}` : program;
}

/** One argument of ExecStart: quotes, backslashes, specifiers and variables lose their meaning. */
function quoteForSystemd(argument: string): string {
  return `"${argument.replace(/["\\]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`;
}
