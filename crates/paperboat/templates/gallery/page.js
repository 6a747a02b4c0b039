
'use strict';
document.documentElement.classList.add('js');

// Before the first image: a file that is gone says so.
document.addEventListener('error', ({ target }) => {
  if (!(target instanceof HTMLImageElement)) return;
  const text = document.createElement('span');
  text.className = 'missing';
  text.textContent = 'The file is not there.';
  target.replaceWith(text);
}, true);

document.addEventListener('DOMContentLoaded', () => {
  const $ = (id) => document.getElementById(id);
  const [text, model, status, marked, copy, count, none] =
    ['text', 'model', 'status', 'marked', 'copy', 'count', 'none'].map($);
  const cards = [...document.querySelectorAll('.card')];
  const inner = 'a, button, summary, video, audio';

  // Marks, which stay in this browser under the page's own name.

  const place = `paperboat marks ${location.pathname}`;
  const read = () => {
    try {
      return new Set(JSON.parse(localStorage.getItem(place) ?? '[]'));
    } catch {
      return new Set(); // A browser may refuse to store; marks then last as long as the page.
    }
  };
  let marks = read();

  const showMark = (card) => {
    card.querySelector('.mark').setAttribute('aria-pressed', marks.has(card.dataset.key));
  };

  const toggleMark = (card) => {
    const { key } = card.dataset;
    marks.delete(key) || marks.add(key);
    try {
      localStorage.setItem(place, JSON.stringify([...marks]));
    } catch {}
    showMark(card);
    filter();
  };

  addEventListener('storage', (event) => {
    if (event.key !== place) return;
    marks = read();
    cards.forEach(showMark);
    filter();
  });

  // What is shown.

  let shown = cards;
  let current; // The card that the tab key leads to.

  const words = (card) => card.words ??= `${card.textContent} ${card.dataset.model}`.toLowerCase();

  const filter = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (card) =>
      (!model.value || card.dataset.model === model.value) &&
      (!status.value || card.dataset.status === status.value) &&
      (!marked.checked || marks.has(card.dataset.key)) &&
      wanted.every((word) => words(card).includes(word));
    shown = cards.filter((card) => {
      const isShown = fits(card);
      card.parentElement.hidden = !isShown;
      return isShown;
    });
    const good = cards.filter((card) => marks.has(card.dataset.key)).length;
    count.textContent = `${shown.length} of ${cards.length}` + (good ? `, ${good} marked` : '');
    none.hidden = shown.length > 0 || cards.length === 0;
    copy.disabled = good === 0;
    if (!shown.includes(current)) makeCurrent(shown[0]);
  };

  const makeCurrent = (card) => {
    if (card === current) return;
    reach(current, -1);
    reach(card, 0);
    current = card;
  };

  // One card is in the tab order, with what is in it; arrow keys lead to the others.
  const reach = (card, order) => {
    if (!card) return;
    card.tabIndex = order;
    card.querySelectorAll(inner).forEach((it) => { it.tabIndex = order; });
  };

  const options = (select, name) => {
    const counts = new Map();
    cards.forEach(({ dataset }) => counts.set(dataset[name], (counts.get(dataset[name]) ?? 0) + 1));
    [...counts].sort().forEach(([value, n]) => {
      select.add(new Option(`${value.replaceAll('_', ' ')} (${n})`, value));
    });
    // A choice of one is none.
    select.hidden = counts.size < 2;
  };

  const clear = () => {
    text.value = model.value = status.value = '';
    marked.checked = false;
    filter();
    text.focus();
  };

  // Ids.

  const copyIds = async () => {
    const good = cards.filter((card) => marks.has(card.dataset.key));
    const ids = [...new Set(good.map((card) => card.dataset.id).filter(Boolean))];
    const done = await write(ids.join('\n'));
    copy.textContent = done ? `Copied ${ids.length}` : 'Not copied';
    setTimeout(() => { copy.textContent = 'Copy ids'; }, 2000);
  };

  const write = async (lines) => {
    try {
      await navigator.clipboard.writeText(lines);
      return true;
    } catch {
      // Where pages from disk have no clipboard.
      const area = document.createElement('textarea');
      area.value = lines;
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      copy.focus();
      return done;
    }
  };

  // Keys.

  const columns = () => getComputedStyle($('cards')).gridTemplateColumns.split(' ').length;

  const steps = {
    ArrowLeft: (at) => at - 1,
    ArrowRight: (at) => at + 1,
    ArrowUp: (at) => at - columns(),
    ArrowDown: (at) => at + columns(),
    Home: () => 0,
    End: () => shown.length - 1,
  };

  const focus = (card) => {
    if (!card) return;
    makeCurrent(card);
    card.focus();
  };

  const onCardKey = (event, card) => {
    const step = steps[event.key];
    if (step && !(event.target instanceof HTMLMediaElement)) {
      focus(shown[step(shown.indexOf(card))]);
    } else if (event.key === 'm') {
      const at = shown.indexOf(card);
      toggleMark(card);
      // With the last mark removed, its card may have gone.
      if (!shown.includes(card)) focus(shown[Math.min(at, shown.length - 1)]);
    } else if (event.key === 'Enter' && event.target === card) {
      card.querySelector('a')?.click();
    } else {
      return;
    }
    event.preventDefault();
  };

  const onTextKey = (event) => {
    if (event.key === 'Escape' && text.value) {
      text.value = '';
      filter();
    } else if (['ArrowDown', 'Enter', 'Escape'].includes(event.key)) {
      focus(current);
    } else {
      return;
    }
    event.preventDefault();
  };

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === text) return onTextKey(event);
    if (event.target instanceof HTMLSelectElement) return;
    if (event.key === '/') {
      event.preventDefault();
      text.select();
      text.focus();
      return;
    }
    const card = event.target.closest('.card');
    if (card) onCardKey(event, card);
  });

  // Set-up.

  document.addEventListener('focusin', ({ target }) => {
    const card = target.closest('.card');
    if (card) makeCurrent(card);
  });
  $('cards').addEventListener('click', ({ target }) => {
    const button = target.closest('.mark');
    if (button) toggleMark(button.closest('.card'));
  });
  let waiting;
  text.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 100);
  });
  [model, status, marked].forEach((it) => it.addEventListener('change', filter));
  copy.addEventListener('click', copyIds);
  $('clear').addEventListener('click', clear);

  // Videos and sounds load what they need to be shown once they are near.
  const near = new IntersectionObserver((entries) => {
    entries.filter((it) => it.isIntersecting).forEach(({ target }) => {
      target.preload = 'metadata';
      near.unobserve(target);
    });
  }, { rootMargin: '50%' });
  document.querySelectorAll('video, audio').forEach((it) => near.observe(it));

  options(model, 'model');
  options(status, 'status');
  cards.forEach((card) => {
    reach(card, -1);
    showMark(card);
  });
  // A browser may have filled the fields in on the way back to the page.
  filter();
});
