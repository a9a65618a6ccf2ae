import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AutoScalingGroupEmulation, type GroupInstance, GroupRefusal } from './auto-scaling-group';

const XML_NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/';
const API_VERSION = '2011-01-01';

/** A call that was answered, for tests and event logs. */
export interface AutoScalingCall {
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly status: number;
}

/**
 * The part of the EC2 Auto Scaling API that an instance uses on itself, plus the descriptions a person asks for, over HTTP on
 * 127.0.0.1: AWS query protocol, API version 2011-01-01. A worker reaches it through `AWS_ENDPOINT_URL_AUTO_SCALING`.
 *
 * Signatures are not checked. Anything else answers `InvalidAction`, as AWS does, and is recorded.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Operations.html
 */
export class AutoScalingApiServer {
  static async start(groups: readonly AutoScalingGroupEmulation[]): Promise<AutoScalingApiServer> {
    const api = new AutoScalingApiServer(groups);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    // A forgotten emulation must not keep a test process alive.
    api.#server.unref();
    return api;
  }

  /** While set, every call is refused: `throttled` as rate limiting, `down` with a cut connection. */
  fault: 'throttled' | 'down' | undefined;
  /** Everything that was answered, oldest first. */
  readonly calls: AutoScalingCall[] = [];

  readonly #groups: ReadonlyMap<string, AutoScalingGroupEmulation>;
  readonly #server: Server;

  private constructor(groups: readonly AutoScalingGroupEmulation[]) {
    this.#groups = new Map(groups.map((group) => [group.name, group]));
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Value for `AWS_ENDPOINT_URL_AUTO_SCALING`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const parameters = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const action = parameters['Action'] ?? '';
    if (this.fault === 'down') return void request.socket.destroy();
    const { status, xml } = this.#call(action, parameters);
    this.calls.push({ action, parameters, status });
    response.writeHead(status, { 'Content-Type': 'text/xml' }).end(xml);
  }

  #call(action: string, parameters: Record<string, string>): { status: number; xml: string } {
    try {
      if (this.fault === 'throttled') throw new GroupRefusal('Throttling', 'Rate exceeded');
      if (parameters['Version'] !== API_VERSION) return failure(400, 'NoSuchVersion', 'Unknown API version');
      const result = this.#result(action, parameters);
      if (result === undefined) return failure(400, 'InvalidAction', `Could not find operation ${action}`);
      return {
        status: 200,
        xml:
          `<${action}Response xmlns="${XML_NAMESPACE}"><${action}Result>${result}</${action}Result>` +
          `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></${action}Response>`,
      };
    } catch (error) {
      if (error instanceof GroupRefusal) return failure(400, error.code, error.message);
      throw error;
    }
  }

  /** The inside of `<…Result>`; undefined for an action that is not emulated. */
  #result(action: string, parameters: Record<string, string>): string | undefined {
    const instanceId = parameters['InstanceId'] ?? '';
    const hookName = parameters['LifecycleHookName'] ?? '';
    switch (action) {
      case 'CompleteLifecycleAction': {
        const result = parameters['LifecycleActionResult'];
        if (result !== 'CONTINUE' && result !== 'ABANDON') {
          throw new GroupRefusal('ValidationError', 'Lifecycle Action Result must be CONTINUE or ABANDON');
        }
        this.#group(parameters).completeLifecycleAction(instanceId, hookName, result);
        return '';
      }
      case 'RecordLifecycleActionHeartbeat':
        this.#group(parameters).recordHeartbeat(instanceId, hookName);
        return '';
      case 'SetInstanceProtection':
        for (const id of members(parameters, 'InstanceIds')) {
          this.#group(parameters).setProtection(id, parameters['ProtectedFromScaleIn'] === 'true');
        }
        return '';
      case 'DescribeAutoScalingInstances': {
        const wanted = members(parameters, 'InstanceIds');
        const all = [...this.#groups.values()].flatMap((group) =>
          group.instances
            .filter((instance) => wanted.length === 0 || wanted.includes(instance.instanceId))
            .map((instance) => describe(instance, group.name)),
        );
        return `<AutoScalingInstances>${all.join('')}</AutoScalingInstances>`;
      }
      default:
        return undefined;
    }
  }

  #group(parameters: Record<string, string>): AutoScalingGroupEmulation {
    const name = parameters['AutoScalingGroupName'] ?? '';
    const group = this.#groups.get(name);
    if (!group) throw new GroupRefusal('ValidationError', `AutoScalingGroup name not found - ${name}`);
    return group;
  }
}

/** A list of the query protocol: `InstanceIds.member.1`, `.2`, … */
function members(parameters: Record<string, string>, name: string): string[] {
  return Object.entries(parameters)
    .filter(([key]) => key.startsWith(`${name}.member.`))
    .map(([, value]) => value);
}

function describe(instance: GroupInstance, groupName: string): string {
  return (
    `<member><InstanceId>${escapeXml(instance.instanceId)}</InstanceId>` +
    `<AutoScalingGroupName>${escapeXml(groupName)}</AutoScalingGroupName>` +
    `<LifecycleState>${instance.state}</LifecycleState><HealthStatus>HEALTHY</HealthStatus>` +
    `<ProtectedFromScaleIn>${instance.protectedFromScaleIn}</ProtectedFromScaleIn></member>`
  );
}

function failure(status: number, code: string, message: string): { status: number; xml: string } {
  return {
    status,
    xml:
      `<ErrorResponse xmlns="${XML_NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code>` +
      `<Message>${escapeXml(message)}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  };
}

function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
