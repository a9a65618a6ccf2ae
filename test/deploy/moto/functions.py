"""Runs a deployed Lambda function on this machine instead of in a container.

Its zip is unpacked and started with the interpreter of its runtime, with its environment, the credentials of its role
and the address of this server. One process an invocation: nothing stays warm.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

from moto.awslambda.utils import get_backend
from moto.cloudformation.exceptions import ValidationError
from moto.sts.models import sts_backends

PYTHON_STARTER = """
import importlib, json, sys
sys.path.insert(0, '.')
class Context:
    function_name = 'function'; log_group_name = log_stream_name = 'local'; aws_request_id = 'local'
    invoked_function_arn = sys.argv[2]
    def get_remaining_time_in_millis(self): return 60000
module, function = sys.argv[1].rsplit('.', 1)
answer = getattr(importlib.import_module(module.replace('/', '.')), function)(json.load(sys.stdin), Context())
with open(sys.argv[3], 'w') as file: json.dump(answer, file)
"""

NODE_STARTER = """
const [module, name] = process.argv[1].split('.');
const chunks = [];
process.stdin.on('data', (c) => chunks.push(c)).on('end', async () => {
  const event = JSON.parse(Buffer.concat(chunks).toString());
  const context = { functionName: 'function', logGroupName: 'local', logStreamName: 'local',
    awsRequestId: 'local', invokedFunctionArn: process.argv[2], getRemainingTimeInMillis: () => 60000 };
  const files = ['.mjs', '.js', '.cjs'].map((end) => require('path').resolve(module + end));
  const file = files.find(require('fs').existsSync);
  const loaded = await import(file);
  const answer = await (loaded[name] ?? loaded.default[name])(event, context);
  require('fs').writeFileSync(process.argv[3], JSON.stringify(answer ?? null));
});
"""

#: What a function may take, in seconds, whatever its own timeout says: this machine may be slow.
FUNCTION_TIMEOUT_SECONDS = 60


class FunctionFailed(Exception):
    """The function ended without an answer. The message is the end of its standard error."""


def run_function(endpoint: str, account_id: str, region: str, function_arn: str, event: dict[str, Any]) -> Any:
    """Runs the function once and returns what its handler returned."""
    backend = get_backend(account_id, region)
    function = backend.get_function(function_arn)
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "task")
        answer = os.path.join(folder, "answer.json")
        zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(root)
        if function.layers:
            _unpack_layers(backend, function, root, os.path.join(folder, "opt"))
        finished = subprocess.run(
            [*_interpreter(str(function.run_time)), function.handler, function_arn, answer],
            cwd=root,
            env=_environment(endpoint, account_id, region, function, root),
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=FUNCTION_TIMEOUT_SECONDS,
        )
        if not os.path.exists(answer):
            raise FunctionFailed(finished.stderr[-2000:])
        with open(answer) as file:
            return json.load(file)


def _interpreter(runtime: str) -> list[str]:
    if runtime.startswith("python"):
        return [sys.executable, "-c", PYTHON_STARTER]
    if runtime.startswith("nodejs"):
        return [os.environ.get("FUNCTION_NODE", "node"), "-e", NODE_STARTER]
    raise ValidationError(message=f"No interpreter here for the runtime {runtime}")


def _environment(endpoint: str, account_id: str, region: str, function: Any, root: str) -> dict[str, str]:
    # Asked in the process, not by a request: that would be refused where requests are authorized.
    session = sts_backends[account_id]["aws"].assume_role(
        region_name=region,
        role_session_name=function.function_name[:64],
        role_arn=function.role,
        policy="",
        duration=3600,
        external_id="",
    )
    return {
        **os.environ,
        **(function.environment_vars or {}),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # Lambda's runtime has the SDK; here it is the repository's.
        "NODE_PATH": os.environ.get("FUNCTION_NODE_PATH", ""),
        "LAMBDA_TASK_ROOT": root,
    }


def _unpack_layers(backend: Any, function: Any, root: str, opt: str) -> None:
    """Unpacks the layers, and points the function's Python files to them instead of `/opt`, which is this machine's."""
    for layer in function.layers:
        code = backend.layers_versions_by_arn(layer["Arn"]).code_bytes
        zipfile.ZipFile(io.BytesIO(code)).extractall(opt)
    for name in os.listdir(root):
        if name.endswith(".py"):
            path = os.path.join(root, name)
            with open(path) as file:
                text = file.read()
            with open(path, "w") as file:
                file.write(text.replace('"/opt/', f'"{opt}/'))
    program = os.path.join(opt, "awscli", "aws")
    if os.path.exists(program):
        with open(program) as file:
            lines = file.read().split("\n")
        with open(program, "w") as file:
            file.write("\n".join([f"#!{sys.executable}", *lines[1:]]))
        os.chmod(program, 0o755)
