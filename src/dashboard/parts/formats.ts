import { useEffect, useState } from 'preact/hooks';
import { createFormats } from '../data/format.js';

/** In the language of the browser. */
export const formats = createFormats(navigator.languages[0]);

/** The current time, moved on every second while the tab is visible. */
export const useNow = (everyMs = 1000): number => {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') set(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
};
