import { InvalidArgumentError, type Command } from 'commander';
import { formatPlan } from '../plan/format-plan';
import { planOf, type PlanOptions } from '../plan/plan';

/** `queue-fleet plan`: the settings that follow from a workload, without a template. */
export function configure(command: Command): void {
  command
    .requiredOption('--processing-time <seconds>', 'average time of one message’s work', positive)
    .option('--p99 <seconds>', '99th percentile of that time (default: four times the average)', positive)
    .requiredOption('--latency <seconds>', 'how long a message may wait until its work begins', positive)
    .option('--concurrency <messages>', 'messages that one instance works on at the same time', whole, 1)
    .option('--peak <rate>', 'highest sustained arrival rate, messages per second', positive)
    .option('--burst <messages>', 'messages that may arrive at once', whole)
    .option('--boot <seconds>', 'from the launch of an instance until its worker polls (default: 150)', positive)
    .option('--warm-pool', 'instances start from a warm pool', false)
    .option('--spot', 'instances may be interrupted with two minutes’ notice', false)
    .option('--min <instances>', 'fewest instances', whole, 1)
    .option('--max <instances>', 'most instances (default: what peak and burst need, else 10)', whole)
    .option('--json', 'print the plan as JSON', false)
    .addHelpText(
      'after',
      '\nExample: queue-fleet plan --processing-time 180 --p99 720 --latency 600 --peak 0.1 --burst 20',
    )
    .action((options: PlanOptions) => {
      const plan = planOf(options);
      console.log(options.json ? JSON.stringify(plan, undefined, 2) : formatPlan(plan));
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('must be a number above 0');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
    throw new InvalidArgumentError('must be a whole number, 0 or more');
  }
  return value;
}
