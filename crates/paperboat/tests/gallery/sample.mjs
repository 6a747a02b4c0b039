// Makes what the galleries of the check show: a batch on the mock, and the index of a large batch.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const HOSTILE = '<script>document.title = "injected"</script> "quoted" & \'single\' <img src=x onerror=alert(1)>';

const PROMPTS = [
  'a red fox in fresh snow, early morning light, 85mm',
  'a paper boat on a still lake',
  'an old lighthouse in a storm, oil on canvas, thick brush strokes, waves that break over the rocks and the '
    + 'gallery, gulls against a dark sky, one lit window, in the manner of the nineteenth century; no people, '
    + 'no text, no frame',
  'ثعلب أحمر في الثلج عند الفجر',
  'שועל אדום בשלג',
  '🦊 + ❄️ = winter',
  '雪の中の赤い狐、早朝の光',
  HOSTILE,
  'Averylongwordthatneverendsandhasnoplacetobreak'.repeat(3),
  'a cup of coffee\non a wooden table\nseen from above',
];

/** Runs a batch of ten rows on the mock in `folder`. */
export function small(paperboat, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sizes = ['1:1', '16:9', '3:2', '2:3', '9:16'];
  const rows = PROMPTS.map((prompt, at) => ({
    id: `row ${at + 1} #${at}%`,
    prompt,
    seed: 7 + at,
    megapixels: '0.25',
    aspect_ratio: sizes[at % sizes.length],
    labels: at % 3 ? {} : { client: 'ACME & Söhne', set: `winter ${at}` },
  }));
  const file = join(folder, 'rows.jsonl');
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const out = join(folder, 'out');
  const args = ['batch', file, '--mock', '--model', 'black-forest-labs/flux-schnell', '-o', out];
  run(paperboat, args, folder);
  return join(out, 'index.html');
}

/** Writes an index of `count` rows of all kinds with their files, and the gallery of it. */
export function large(paperboat, folder, count) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const kinds = ['svg', 'svg', 'svg', 'svg', 'svg', 'svg', 'failed', 'txt', 'svg', 'svg', 'svg', 'wav', 'svg', 'html'];
  const rows = Array.from({ length: count }, (_, at) => {
    const kind = kinds[at % kinds.length];
    const isFailed = kind === 'failed';
    const file = isFailed ? null : `set ${at % 4}/${at} #1.${kind}`;
    if (file) {
      mkdirSync(join(folder, `set ${at % 4}`), { recursive: true });
      writeFileSync(join(folder, file), content(kind, at));
    }
    return {
      row: `row-${at}`,
      id: `id${at}`,
      file,
      model: ['black-forest-labs/flux-schnell', 'ideogram-ai/ideogram-v2'][at % 5 === 0 ? 1 : 0],
      prompt: `${PROMPTS[at % PROMPTS.length]} (${at})`,
      seed: at,
      status: isFailed ? ['failed', 'expired', 'maybe_accepted'][at % 3] : 'succeeded',
      reason: isFailed ? 'NSFW content detected. Try running it again, or try a different prompt.' : null,
      seconds: (at * 7 % 90) + 1.5,
      cost: isFailed ? null : '0.003',
      version: 1,
      labels: at % 3 ? {} : { client: 'ACME' },
    };
  });
  // One that was removed after it was saved.
  rows[1].file = 'set 1/gone.png';
  writeFileSync(join(folder, 'index.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  run(paperboat, ['gallery', folder], folder);
  return join(folder, 'index.html');
}

function run(paperboat, args, home) {
  const env = { PATH: process.env.PATH, HOME: home };
  execFileSync(paperboat, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function content(kind, at) {
  if (kind === 'txt') return `Chapter ${at}\n\n${'It was a bright cold day in April. '.repeat(100)}`;
  if (kind === 'html') return '<!doctype html><title>Chart</title><p>A chart';
  if (kind === 'wav') return silence();
  const [width, height] = [[600, 600], [800, 450], [450, 800], [600, 400]][at % 4];
  const hue = (at * 47) % 360;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`
    + `<rect width="100%" height="100%" fill="hsl(${hue} 45% 60%)"/>`
    + `<circle cx="50%" cy="45%" r="22%" fill="hsl(${(hue + 40) % 360} 60% 80%)"/>`
    + `<text x="50%" y="92%" text-anchor="middle" font-size="60" font-family="sans-serif">${at}</text></svg>`;
}

/** A second of silence. */
function silence() {
  const rate = 8000;
  const wav = Buffer.alloc(44 + rate, 128);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + rate, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(rate, 40);
  return wav;
}
