import { useState } from 'preact/hooks';

type Theme = 'system' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORED = 'anime-analytics-theme';

const storedTheme = (): Theme =>
  THEMES.find((each) => each === localStorage.getItem(STORED)) ?? 'system';

const listeners = new Set<() => void>();
const dark = matchMedia('(prefers-color-scheme: dark)');

const apply = (theme: Theme): void => {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  for (const listener of listeners) listener();
};

/** Before anything is drawn. */
export const applyStoredTheme = (): void => {
  apply(storedTheme());
  dark.addEventListener('change', () => apply(storedTheme()));
};

/** Charts are pictures, so that they are drawn again in other colours. Returns how to stop. */
export const onThemeChange = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const ThemeSwitch = () => {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <label class="theme">
      <span>Theme</span>
      <select
        aria-label="Theme"
        value={theme}
        onChange={(event) => {
          const chosen = THEMES.find((each) => each === event.currentTarget.value) ?? 'system';
          localStorage.setItem(STORED, chosen);
          apply(chosen);
          setTheme(chosen);
        }}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
};
