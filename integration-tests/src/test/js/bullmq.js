// BullMQ over ioredis: all that its queues do are Lua scripts and streams.
import assert from 'node:assert/strict';
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { changeLeader, insist, nodes, play, told, until } from './stage.js';

const NAME = 'work';
const PLAIN = 60;
const connection = { sentinels: nodes, name: 'mymaster' };

const processed = new Map();
const order = [];

async function work(job) {
  processed.set(job.name, (processed.get(job.name) ?? 0) + 1);
  order.push(job.name);
  if (job.name === 'fails once' && job.attemptsMade === 0) {
    throw new Error('as it was told');
  }
  await job.updateProgress(50);
  return `done ${job.name}`;
}

function worker() {
  const it = new Worker(NAME, work, {
    connection,
    concurrency: 2,
    // A job whose worker lost its lock is processed again this soon.
    lockDuration: 5000,
    stalledInterval: 2000,
    maxStalledCount: 5,
  });
  it.on('error', told);
  return it;
}

play(async () => {
  const queue = new Queue(NAME, { connection });
  const events = new QueueEvents(NAME, { connection });
  const flows = new FlowProducer({ connection });
  [queue, events, flows].forEach((it) => it.on('error', told));
  const completed = new Set();
  events.on('completed', ({ jobId }) => completed.add(jobId));
  await events.waitUntilReady();

  await queue.pause();
  await queue.addBulk([3, 1, 2].map((priority) => ({ name: `p${priority}`, opts: { priority } })));
  const workers = [worker(), worker()];
  await queue.resume();
  await until('prioritised jobs', () => order.length === 3);
  await queue.add('fails once', {}, { attempts: 3, backoff: { type: 'fixed', delay: 50 } });
  const flow = await flows.add({
    name: 'parent',
    queueName: NAME,
    children: [{ name: 'child', queueName: NAME }],
  });
  assert.equal(await flow.job.waitUntilFinished(events, 20_000), 'done parent');
  assert.ok(order.indexOf('child') < order.indexOf('parent'));
  await until('the second attempt', () => processed.get('fails once') === 2);
  await queue.upsertJobScheduler('scheduler', { every: 300 }, { name: 'repeated' });
  await until('it repeats', () => processed.get('repeated') >= 2);

  const added = new Set();
  const add = async (name, opts) => {
    // With an id of its own a job that is sent again is still one.
    const job = await insist(() => queue.add(name, {}, { ...opts, jobId: name.replace(' ', '-') }));
    added.add(job.name);
  };
  for (const how of ['kill', 'transfer']) {
    await add(`delayed ${how}`, { delay: 1500 });
    await add(`waits ${how}`, { delay: 100, priority: 5 });
    const adding = (async () => {
      for (let i = 0; i < PLAIN; i++) {
        await add(`${how}${i}`, {});
      }
    })();
    await until('some are done', () => added.size > 5 && processed.size > 10);
    await changeLeader(how);
    await adding;
    const repeated = processed.get('repeated');
    await until('all are processed', () => [...added].every((name) => processed.has(name)));
    await until('it repeats again', () => processed.get('repeated') > repeated);
  }
  assert.equal(added.size, 2 * (PLAIN + 2));

  await insist(() => queue.removeJobScheduler('scheduler'));
  await until('nothing is left', async () => {
    const left = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(left).every((count) => count === 0);
  });
  assert.deepEqual(await queue.getFailed(), []);
  await until('all completions were told', () =>
    [...added].every((name) => completed.has(name.replace(' ', '-'))),
  );
  const twice = [...added].filter((name) => processed.get(name) > 1);
  console.log(`acknowledged ${added.size}, processed more than once: ${twice.length}`);
  await Promise.all(workers.map((it) => it.close()));
});
