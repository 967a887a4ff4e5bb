import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const advice =
  'The tests of the inspector’s page need Chromium and found none. Install it (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), or let the variable CHROMIUM name the program.';

/**
 * Starts a Chromium that talks to nobody but the page's server.
 * @returns null if there is none, having said so; under CI that is an error.
 */
export async function launchChromium(): Promise<Browser | null> {
  const executablePath = places.find((place) => place !== undefined && existsSync(place));
  if (executablePath !== undefined) {
    const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update'];
    return chromium.launch({ executablePath, args });
  }
  if (process.env.CI === 'true') throw new Error(advice);
  console.warn(advice);
  return null;
}
