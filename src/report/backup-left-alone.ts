/** Good backups are the only ones that prune counts and removes. */
export const LEFT_ALONE = 'Prune never removes what is bad or signed by somebody unknown: that is left to you.';
