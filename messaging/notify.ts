import type { Logger } from './logger';
import type { ConsumerObserver } from './observer';

type Events = Omit<ConsumerObserver, 'aroundHandler'>;
type Notify = { [K in keyof Required<Events>]: Required<Events>[K] };

const NAMES = [
  'received',
  'started',
  'finished',
  'deleted',
  'renewed',
  'leaseLost',
  'released',
  'quarantined',
  'duplicate',
  'pollFailed',
  'callFailed',
] as const satisfies ReadonlyArray<keyof Events>;

const nothing = (): void => {};

/** An observer that has every method, none of which throws. */
export function safeObserver(observer: ConsumerObserver | undefined, logger: Logger): Notify {
  const safe: Record<string, (event: never) => void> = {};
  for (const name of NAMES) {
    const method = observer?.[name] as ((event: never) => void) | undefined;
    safe[name] =
      method === undefined
        ? nothing
        : (event) => {
            try {
              method.call(observer, event);
            } catch (error) {
              logger.error({ error, event: name }, 'an observer threw');
            }
          };
  }
  return safe as unknown as Notify;
}
