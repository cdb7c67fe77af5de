// Stands in the bundle for packages that a dependency requires but that skiff never uses.
module.exports = {};
