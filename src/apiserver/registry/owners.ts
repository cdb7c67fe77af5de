/** Said when owner references that repeat each other were dropped. */
export const repeatedOwnersWarning =
  ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests";
