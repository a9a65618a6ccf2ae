import { type BootScriptInput, HOME } from './input';
import { HARDENING, SECRETS } from './worker-unit';

/**
 * The server that handles messages over HTTP. A container shares the instance's network: behind a bridge it would be one
 * hop too far from instance metadata to get the role's credentials. No port of the instance is open to others.
 */
export function companionUnit(companion: NonNullable<BootScriptInput['companion']>, input: BootScriptInput): string {
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
