import { companionUnit } from './boot/companion-unit';
import { HEALTH_TIMER, HEALTH_UNIT, healthScript, UNHEALTHY_SCRIPT, UNHEALTHY_UNIT } from './boot/health-files';
import { type BootScriptInput, HOME } from './boot/input';
import { agentConfiguration, LOGROTATE, LOGROTATE_TIMER, LOGROTATE_UNIT } from './boot/log-files';
import { secretsScript } from './boot/secrets-script';
import { workerUnit } from './boot/worker-unit';

/** Ends every here-document; no generated line may be equal to it. */
const EOF = 'QUEUE_FLEET_EOF';

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
