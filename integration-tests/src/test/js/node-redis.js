// node-redis, which asks sentinels.
import assert from 'node:assert/strict';
import { createSentinel, defineScript, WatchError } from 'redis';
import { changeLeader, insist, nodes, play, told, until, Writer } from './stage.js';

const incrementBy = defineScript({
  SCRIPT: "return redis.call('incrby', KEYS[1], ARGV[1])",
  NUMBER_OF_KEYS: 1,
  parseCommand(parser, key, by) {
    parser.pushKey(key);
    parser.push(String(by));
  },
  transformReply: (reply) => reply,
});

async function connect() {
  const redis = createSentinel({
    name: 'mymaster',
    sentinelRootNodes: nodes,
    scripts: { incrementBy },
    // One for commands, one for what blocks or watches.
    masterPoolSize: 2,
    reserveClient: true,
    scanInterval: 1000,
  });
  redis.on('error', told);
  await redis.connect();
  return redis;
}

async function commands(redis) {
  assert.equal(await redis.set('key', '1', { expiration: { type: 'EX', value: 100 } }), 'OK');
  assert.equal(await redis.get('key'), '1');
  const piped = [redis.incr('key'), redis.get('key'), redis.hSet('hash', 'f', 'v')];
  assert.deepEqual(await Promise.all(piped), [2, '2', 1]);
  assert.deepEqual(await redis.multi().incr('key').get('key').exec(), [3, '3']);

  await redis.use(async (client) => {
    await client.watch('key');
    await redis.set('key', '7');
    await assert.rejects(client.multi().incr('key').exec(), WatchError);
    await client.watch('key');
    assert.deepEqual(await client.multi().incr('key').exec(), [8]);
  });

  assert.equal(await redis.incrementBy('script', 2), 2); // NOSCRIPT, then EVAL
  assert.equal(await redis.incrementBy('script', 3), 5);
  await redis.scriptFlush();
  assert.equal(await redis.incrementBy('script', 1), 6);
}

async function streams(redis) {
  const id = await redis.xAdd('stream', '*', { field: 'value' });
  await redis.xGroupCreate('stream', 'group', '0');
  const read = await redis.xReadGroup(
    'group',
    'consumer',
    { key: 'stream', id: '>' },
    { COUNT: 10, BLOCK: 5000 },
  );
  assert.deepEqual(read[0].messages.map((message) => message.id), [id]);
  assert.equal(read[0].messages[0].message.field, 'value');
  assert.equal((await redis.xPending('stream', 'group')).pending, 1);
  assert.equal(await redis.xAck('stream', 'group', id), 1);
}

async function changes(redis, other) {
  const heard = [];
  await other.subscribe('news', (message) => heard.push(message));
  for (const how of ['kill', 'transfer']) {
    const popped = insist(() => other.use((client) => client.blPop(`queue ${how}`, 0)));
    const writer = new Writer(`${how}:`, (key, value) => redis.set(key, value));
    await writer.more();
    await changeLeader(how);
    await writer.more();
    await writer.stop();
    await writer.check((keys) => insist(() => redis.mGet(keys)));
    console.log(`acknowledged ${how} ${writer.acknowledged.length}`);

    await insist(() => redis.rPush(`queue ${how}`, 'element'));
    assert.equal((await popped).element, 'element');
    // A message to nobody is lost, so it is told until the subscription is there again.
    await until('the subscriber hears news', async () => {
      await insist(() => redis.publish('news', how));
      return heard.includes(how);
    });
    assert.ok((await insist(() => redis.incrementBy('script', 1))) > 0);
  }
}

play(async () => {
  const redis = await connect();
  const other = await connect();
  await commands(redis);
  await streams(redis);
  await changes(redis, other);
});
