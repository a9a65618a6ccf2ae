import type { Logger } from './logger';
import { OBSERVER_EVENTS, type ConsumerObserver, type ObserverEvents } from './observer';

/** The methods that an observer has, none of which throws. Those it lacks stay undefined, so that their events are not even made. */
export function safeObserver(observer: ConsumerObserver | undefined, logger: Logger): ObserverEvents {
  const safe: Record<string, (event: never) => void> = {};
  for (const name of OBSERVER_EVENTS) {
    const method = observer?.[name] as ((event: never) => void) | undefined;
    if (method === undefined) continue;
    safe[name] = (event) => {
      try {
        method.call(observer, event);
      } catch (error) {
        logger.error({ err: error, event: name }, 'an observer threw');
      }
    };
  }
  return safe;
}
