// What the scripts beside it share. NodeClientsIT starts them with the nodes' addresses; they ask it
// on stdout for another leader, and it says on stdin when one serves.
import assert from 'node:assert/strict';
import readline from 'node:readline';

/** The nodes, as clients want their sentinels. */
export const nodes = process.argv.slice(2).map((address) => {
  const [host, port] = address.split(':');
  return { host, port: Number(port) };
});

const PATIENCE_MILLIS = 60_000;
const input = readline.createInterface({ input: process.stdin });
const answers = input[Symbol.asyncIterator]();
input.on('close', () => process.exit(2)); // whoever started this has ended

/** Resolves when another node leads; how is "kill" or "transfer". */
export async function changeLeader(how) {
  console.log(`leader ${how}`);
  const { value } = await answers.next();
  assert.equal(value, 'changed');
}

/** Waits until the condition holds. */
export async function until(what, condition) {
  const deadline = Date.now() + PATIENCE_MILLIS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Does it again until it succeeds, and returns what it gave. */
export async function insist(action) {
  const deadline = Date.now() + PATIENCE_MILLIS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
      told(error);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const counts = new Map();

/** Notes what a client was told; told at the end, for who wants to know what users see. */
export function told(error) {
  const text = `${error.name}: ${error.message}`.slice(0, 80);
  counts.set(text, (counts.get(text) ?? 0) + 1);
}

/** Writes keys of its own, one after the other, until it is stopped. */
export class Writer {
  #stopped = false;
  #run;
  acknowledged = [];

  /** @param set writes a key and its value */
  constructor(prefix, set) {
    this.#run = (async () => {
      for (let i = 0; !this.#stopped; i++) {
        const key = `${prefix}${i}`;
        try {
          await set(key, `value of ${key}`);
          this.acknowledged.push(key);
        } catch (error) {
          told(error);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    })();
  }

  async more() {
    const wanted = this.acknowledged.length + 20;
    await until('more is acknowledged', () => this.acknowledged.length >= wanted);
  }

  async stop() {
    this.#stopped = true;
    await this.#run;
  }

  /** Checks that all is there. @param mget reads many keys */
  async check(mget) {
    const values = await mget(this.acknowledged);
    this.acknowledged.forEach((key, i) => assert.equal(values[i], `value of ${key}`));
  }
}

function tell(print) {
  for (const [text, count] of counts) {
    print(`told ${count} times: ${text}`);
  }
}

/** Runs a script to its end, and leaves whatever else still runs. */
export function play(script) {
  script().then(
    () => {
      tell(console.log);
      console.log('all is well');
      process.exit(0);
    },
    (error) => {
      tell(console.error);
      console.error(error);
      process.exit(1);
    },
  );
}
