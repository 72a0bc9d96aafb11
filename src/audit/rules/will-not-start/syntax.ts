import { startRule } from './start-rule.js';

export const inlineComment = startRule({
  id: 'inline-comment',
  scope: 'node',
  title: 'a comment stands behind a value',
  rationale:
    'In a Redis file a comment needs a line of its own. Behind a value its words count as more arguments: the line is refused, or the comment becomes an address to listen on.',
  source: 'config.c:loadServerConfigFromString, only the first character of a line makes it a comment; seen on 7.0.15',
  fix: 'Move the comment to a line of its own that begins with #.',
});

export const unknownDirective = startRule({
  id: 'unknown-directive',
  scope: 'node',
  title: 'no version of Redis or Valkey knows the directive',
  rationale: 'The server refuses a file with a directive that it does not know, and says nothing of what may be meant.',
  source: 'config.c:loadServerConfigFromString; seen on 6.0.16, 7.0.15, 8.0 and Valkey 8.1',
  fix: 'Correct the name, or remove the line.',
});

export const directiveNotInVersion = startRule({
  id: 'directive-not-in-version',
  target: 'redis-6.2',
  scope: 'node',
  title: 'the version that will read the file does not know the directive',
  rationale:
    'Directives come and go between versions, and between Redis and Valkey; one that is too new or was removed stops the server at its start.',
  source: 'config.c of 2.6 to 8.0 and of Valkey 7.2 to 8.1; seen on 6.0.16, 7.0.15, 8.0 and Valkey 8.1',
  fix: 'Remove the line, write the name that this version has for it, or bring the server to a version that knows it first.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});

export const wrongArgumentCount = startRule({
  id: 'wrong-argument-count',
  scope: 'node',
  title: 'a directive has too few or too many arguments',
  rationale: 'The server refuses the line. Most often a blank stands in a password, a size or a path.',
  source: 'config.c:loadServerConfigFromString; sentinel.c:sentinelHandleConfiguration; seen on 7.0.15',
  fix: 'Write what the directive takes; put a value with blanks into quotes.',
});

export const invalidValue = startRule({
  id: 'invalid-value',
  scope: 'node',
  title: 'a value is not legal',
  rationale:
    'Every directive has its type (yes or no, a word of a list, a whole number in its limits, a size as 1024mb); the server refuses anything else.',
  source: 'config.c, the tables of standardConfig; seen on 6.0.16, 7.0.15, 8.0 and Valkey 8.1',
  fix: 'Write one of the legal values.',
});

export const unbalancedQuotes = startRule({
  id: 'unbalanced-quotes',
  scope: 'node',
  title: 'quotes do not end',
  rationale:
    'A quote that is not closed, or text right behind a closing quote, makes the line unreadable for the server.',
  source: 'sds.c:sdssplitargs; seen on 7.0.15',
  fix: 'Close the quote; inside double quotes write a quote as \\".',
});

export const badFileEncoding = startRule({
  id: 'bad-file-encoding',
  scope: 'node',
  title: 'an editor left characters that Redis takes for part of a word',
  rationale:
    'A byte order mark, a no-break blank or typographic quotes look right on a screen and make another word of the directive or its value.',
  source: 'config.c:loadServerConfigFromString trims blanks, tabs and carriage returns only; seen on 7.0.15',
  fix: 'Save the file as UTF-8 without a byte order mark, with plain blanks and straight quotes.',
});

export const placeholderValue = startRule({
  id: 'placeholder-value',
  scope: 'node',
  title: 'a placeholder of a template was never filled in',
  rationale: 'Redis fills in no variables: the placeholder is read as the value, and here it is not a legal one.',
  source: 'config.c:loadServerConfigFromString; $SENTINEL_QUORUM and x.x.x.x refused, seen on 7.0.15',
  fix: 'Fill in the template before the file is deployed.',
});

export const filenameIsPath = startRule({
  id: 'filename-is-path',
  scope: 'node',
  title: 'a path stands where only a file name may',
  rationale: 'The files of a server lie in the directory that dir names; a file name with a slash is refused.',
  source: 'config.c:isValidDBfilename, isValidAOFfilename; seen on 7.0.15',
  fix: 'Name the directory in dir, and the file alone here.',
});

export const renameCommandUnknown = startRule({
  id: 'rename-command-unknown',
  scope: 'node',
  title: 'rename-command names a command that is not there, or a name that is taken',
  rationale: 'The server refuses to rename what it does not have; commands differ between versions.',
  source: 'config.c:loadServerConfigFromString; seen on 6.0.16, 7.0.15, 8.0 and Valkey 8.1',
  fix: 'Remove the line, or write the name that the command has in this version.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});

export const sentinelLineInRedisConf = startRule({
  id: 'sentinel-line-in-redis-conf',
  scope: 'redis',
  title: 'a sentinel line stands in the file of a redis server',
  rationale: 'A server that is not started as a sentinel refuses every sentinel line.',
  source: 'config.c:loadServerConfigFromString; seen on 7.0.15',
  fix: 'Move the line to the file of the sentinel, or start this one with --sentinel.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});
