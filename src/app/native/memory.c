/*
 * Gives memory back to the kernel where JavaScript cannot: what malloc keeps for later, and the parts of the executable
 * that only its start needed. A Node-API addon of two functions (docs/decisions/memory.md).
 */
typedef unsigned long word;
typedef struct Environment *Environment;
typedef struct Value *Value;
typedef struct Call *Call;

/* Of Node.js (whose Node-API is stable) and of glibc, both of which are in the process already. */
extern int napi_create_function(Environment, const char *, word, Value (*)(Environment, Call), void *, Value *);
extern int napi_set_named_property(Environment, Value object, const char *name, Value);
extern int malloc_trim(word keep);
extern int madvise(void *from, word length, int advice);
extern word getauxval(word type);

enum { AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ = 6, MADV_DONTNEED = 4, PT_LOAD = 1, PT_PHDR = 6, WRITABLE = 2 };

/* A program header of a 64-bit executable (elf(5)). */
struct Segment {
  unsigned type, flags;
  word offset, address, physicalAddress, fileLength, length, alignment;
};

/* Whole free pages anywhere in malloc's heaps, of all threads. */
static Value trimHeap(Environment environment, Call call) {
  (void)environment;
  (void)call;
  malloc_trim(0);
  return 0;
}

/* Code and constants: nobody can have written to them, and what is needed again comes from the page cache. */
static Value letGoOfProgram(Environment environment, Call call) {
  (void)environment;
  (void)call;
  const struct Segment *segments = (const struct Segment *)getauxval(AT_PHDR);
  word count = getauxval(AT_PHNUM), page = getauxval(AT_PAGESZ), base = 0;
  for (word i = 0; i < count; i++)
    if (segments[i].type == PT_PHDR) base = (word)segments - segments[i].address;
  for (word i = 0; i < count; i++) {
    if (segments[i].type != PT_LOAD || segments[i].flags & WRITABLE) continue;
    word from = (base + segments[i].address) & -page;
    madvise((void *)from, base + segments[i].address + segments[i].length - from, MADV_DONTNEED);
  }
  return 0;
}

static void offer(Environment environment, Value exports, const char *name, Value (*run)(Environment, Call)) {
  Value function;
  if (napi_create_function(environment, name, (word)-1, run, 0, &function) == 0)
    napi_set_named_property(environment, exports, name, function);
}

__attribute__((visibility("default"))) int node_api_module_get_api_version_v1(void) { return 8; }

__attribute__((visibility("default"))) Value napi_register_module_v1(Environment environment, Value exports) {
  offer(environment, exports, "trimHeap", trimHeap);
  offer(environment, exports, "letGoOfProgram", letGoOfProgram);
  return exports;
}
