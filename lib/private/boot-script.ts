import { companionUnit } from './boot/companion-unit';
import { HEALTH_TIMER, HEALTH_UNIT, healthScript, UNHEALTHY_SCRIPT, UNHEALTHY_UNIT } from './boot/health-files';
import { type BootScriptInput, HOME } from './boot/input';
import { agentConfiguration, LOGROTATE, LOGROTATE_TIMER, LOGROTATE_UNIT } from './boot/log-files';
import { secretsScript } from './boot/secrets-script';
import { workerUnit } from './boot/worker-unit';

/** Ends every here-document; no generated line may be equal to it. */
const EOF = 'QUEUE_FLEET_EOF';
const BOOT_COMMANDS = '/usr/local/libexec/queue-fleet/boot-commands';

/**
 * What one instance does at its first boot, as the text of a bash script.
 *
 * Kept apart from CDK: a function of strings, so that a test can check it with shellcheck, verify its units and run it.
 * The script is part of the launch template: a change of it replaces the instances.
 */
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

${filesOf(input).join('\n')}
chgrp queue-fleet /etc/queue-fleet/worker.env

/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \\
  -c file:/etc/queue-fleet/cloudwatch-agent.json
systemctl daemon-reload
${input.bootCommands.length > 0 ? `${BOOT_COMMANDS}\n` : ''}# What does not start at once, systemd starts again; why it never does is told below.
systemctl enable --now ${units.join(' ')} || say 'not everything has started'

# The worker itself completes the launch hook after its first successful poll; here only the boot log learns of it, while
# the hook still holds the instance and its logs can leave.
deadline=${patienceSeconds(input.readyWithinSeconds)}
until curl -fsS -o /dev/null -m 5 http://127.0.0.1:${input.healthPort}/ready 2>/dev/null; do
  if ((SECONDS >= deadline)); then
    say 'the worker is not ready, or waits in a warm pool: see /var/log/queue-fleet/worker.log'
    tail -n 5 /var/log/queue-fleet/worker.log${input.companion ? COMPANION_STATE : ''}
    exit 1
  fi
  sleep 2
done
say 'the worker is ready'
`;
}

function filesOf(input: BootScriptInput): string[] {
  const { bootCommands: commands, companion, secrets } = input;
  return [
    file('/etc/queue-fleet/worker.env', '0640', input.environmentFile),
    file('/etc/systemd/system/queue-fleet-worker.service', '0644', workerUnit(input)),
    file('/usr/local/libexec/queue-fleet/health', '0755', healthScript(input.healthPort)),
    file('/etc/systemd/system/queue-fleet-health.service', '0644', HEALTH_UNIT),
    file('/etc/systemd/system/queue-fleet-health.timer', '0644', HEALTH_TIMER),
    file('/usr/local/libexec/queue-fleet/unhealthy', '0755', UNHEALTHY_SCRIPT),
    file('/etc/systemd/system/queue-fleet-unhealthy.service', '0644', UNHEALTHY_UNIT),
    file('/etc/queue-fleet/logrotate.conf', '0644', LOGROTATE),
    file('/etc/systemd/system/queue-fleet-logrotate.service', '0644', LOGROTATE_UNIT),
    file('/etc/systemd/system/queue-fleet-logrotate.timer', '0644', LOGROTATE_TIMER),
    file('/etc/queue-fleet/cloudwatch-agent.json', '0644', agentConfiguration(input)),
    ...(secrets.length > 0 ? [file('/usr/local/libexec/queue-fleet/secrets', '0755', secretsScript(secrets))] : []),
    ...(commands.length > 0 ? [file(BOOT_COMMANDS, '0755', bootCommands(commands))] : []),
    ...(companion
      ? [file('/etc/systemd/system/queue-fleet-companion.service', '0644', companionUnit(companion, input))]
      : []),
  ];
}

/** A script of its own: what it sets, changes nothing here. */
function bootCommands(commands: readonly string[]): string {
  return `#!/bin/bash\nset -euo pipefail\n${commands.join('\n')}`;
}

/** What the log of a boot tells of the application beside a worker that is not ready: most likely it is the cause. */
const COMPANION_STATE = `
    say "the application beside it is $(systemctl is-active queue-fleet-companion.service || true): see /var/log/queue-fleet/companion.log"
    tail -n 20 /var/log/queue-fleet/companion.log
    journalctl --unit queue-fleet-companion.service --lines 20 --no-pager || true`;

/** The hook began with the launch, before this script, and its end is the end of the instance: a minute less, or half of it. */
function patienceSeconds(readyWithinSeconds: number): number {
  return Math.max(readyWithinSeconds - 60, Math.floor(readyWithinSeconds / 2));
}

/** A file written by the script; its content is taken literally by the shell. */
function file(path: string, mode: string, content: string): string {
  return `install -m ${mode} /dev/null ${path}\ncat >${path} <<'${EOF}'\n${content.trimEnd()}\n${EOF}`;
}
