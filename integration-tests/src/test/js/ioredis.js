// ioredis, which asks sentinels.
import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { changeLeader, insist, nodes, play, told, until, Writer } from './stage.js';

const options = {
  sentinels: nodes,
  name: 'mymaster',
};

function connect() {
  const redis = new Redis(options);
  redis.on('error', told);
  redis.defineCommand('incrementBy', {
    numberOfKeys: 1,
    lua: "return redis.call('incrby', KEYS[1], ARGV[1])",
  });
  return redis;
}

async function commands(redis) {
  assert.equal(await redis.set('key', '1', 'EX', 100), 'OK');
  assert.equal(await redis.get('key'), '1');
  const piped = await redis.pipeline().incr('key').get('key').hset('hash', 'f', 'v').exec();
  assert.deepEqual(piped, [[null, 2], [null, '2'], [null, 1]]);
  assert.deepEqual(await redis.multi().incr('key').get('key').exec(), [[null, 3], [null, '3']]);

  await redis.watch('key');
  await other.set('key', '7');
  assert.equal(await redis.multi().incr('key').exec(), null);
  await redis.watch('key');
  assert.deepEqual(await redis.multi().incr('key').exec(), [[null, 8]]);

  assert.equal(await redis.incrementBy('script', 2), 2);
  await redis.script('FLUSH');
  assert.equal(await redis.incrementBy('script', 3), 5); // NOSCRIPT, then EVAL
  await redis.script('FLUSH');
  assert.deepEqual(await redis.pipeline().incrementBy('script', 1).exec(), [[null, 6]]);
}

async function streams(redis) {
  const id = await redis.xadd('stream', '*', 'field', 'value');
  await redis.xgroup('CREATE', 'stream', 'group', '0');
  const read = ['GROUP', 'group', 'consumer', 'COUNT', 10, 'BLOCK', 5000, 'STREAMS', 'stream', '>'];
  assert.deepEqual(await redis.xreadgroup(...read), [['stream', [[id, ['field', 'value']]]]]);
  assert.equal((await redis.xpending('stream', 'group'))[0], 1);
  assert.equal(await redis.xack('stream', 'group', id), 1);
}

const redis = connect();
const other = connect();
const blocked = connect();
const subscriber = connect();

async function changes() {
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push(message));
  await subscriber.subscribe('news');
  for (const how of ['kill', 'transfer']) {
    const popped = insist(() => blocked.blpop(`queue ${how}`, 0));
    const writer = new Writer(`${how}:`, (key, value) => redis.set(key, value));
    await writer.more();
    await changeLeader(how);
    await writer.more();
    await writer.stop();
    await writer.check((keys) => insist(() => other.mget(keys)));
    console.log(`acknowledged ${how} ${writer.acknowledged.length}`);

    await insist(() => other.rpush(`queue ${how}`, 'element'));
    assert.deepEqual(await popped, [`queue ${how}`, 'element']);
    // A message to nobody is lost, so it is told until the subscription is there again.
    await until('the subscriber hears news', async () => {
      await insist(() => other.publish('news', how));
      return heard.includes(how);
    });
    assert.ok((await insist(() => other.incrementBy('script', 1))) > 0);
  }
}

play(async () => {
  await commands(redis);
  await streams(redis);
  await changes();
});
