import type { Logger } from './logger';
import type { ConsumerObserver } from './observer';

type Events = Omit<ConsumerObserver, 'aroundHandler'>;

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

/** The methods that an observer has, none of which throws. Those it lacks stay undefined, so that their events are not even made. */
export function safeObserver(observer: ConsumerObserver | undefined, logger: Logger): Events {
  const safe: Record<string, (event: never) => void> = {};
  for (const name of NAMES) {
    const method = observer?.[name] as ((event: never) => void) | undefined;
    if (method === undefined) continue;
    safe[name] = (event) => {
      try {
        method.call(observer, event);
      } catch (error) {
        logger.error({ error, event: name }, 'an observer threw');
      }
    };
  }
  return safe;
}
