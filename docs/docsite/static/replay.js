// Replays a recording: its lines appear one after the other, at the times that they have. Without
// JavaScript, and before the button is pressed, all of it is there to read.
for (const box of document.querySelectorAll('.recording')) {
  const screen = box.querySelector('pre');
  const lines = [...screen.children];
  const button = document.createElement('button');
  let timer = 0;
  const label = (text) => { button.textContent = text; };
  const show = (from, begun) => {
    const now = (performance.now() - begun) / 1000;
    let next = from;
    while (next < lines.length && Number(lines[next].dataset.time) <= now) {
      lines[next].classList.remove('hidden');
      next += 1;
    }
    screen.scrollTop = screen.scrollHeight;
    if (next === lines.length) {
      timer = 0;
      label('Play again');
    } else {
      timer = setTimeout(show, 50, next, begun);
    }
  };
  button.type = 'button';
  button.addEventListener('click', () => {
    if (timer) { // show the rest at once
      clearTimeout(timer);
      show(0, -Infinity);
      return;
    }
    lines.forEach((line) => line.classList.add('hidden'));
    label('Skip to the end');
    show(0, performance.now());
  });
  label('Play');
  box.prepend(button);
}
