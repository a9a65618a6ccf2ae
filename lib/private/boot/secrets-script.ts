import { NODE, type SecretSource } from './input';

/** Writes the secrets where only a reboot can find them: in memory. One value per line, as systemd reads it. */
export function secretsScript(secrets: readonly SecretSource[]): string {
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
