/*
 * Freezes a warm Node process, the template, and makes children of it that go on where it stopped: with all of its
 * threads, with descriptors of their own, and confined. docs/decisions/0020-forked-runners.md says why that is
 * sound, and what it rests on.
 *
 *   threads.c      parks every other thread, and starts it again in a child
 *   descriptors.c  writes down what the template has open, and makes each anew in a child
 *   memory.c       refuses memory that a child would share, has all other memory copied, and touches ahead what is used
 *   child.c        turns the copy into a runner: connections, mounts, limits, user, rights, filter
 *   server.c       the template after its freezing: a loop that forks when the worker says so
 *
 * Nothing here knows a symbol or a structure of Node, V8 or libuv.
 */
#ifndef FREEZER_H
#define FREEZER_H

#include "kernel.h"

/* What JavaScript says before the freezing; numbers and addresses, 8 bytes each (src/runner/template/freezer.ts). */
struct freezing {
  u64 control;      /* descriptor over which the worker asks for children */
  u64 door;         /* path of the worker's socket, to which children connect */
  u64 scratch;      /* path of the folder that a child gets as its own */
  u64 filter;       /* the seccomp program under which user code runs */
  u64 filter_length; /* in instructions; 0: it depends on the execution, see freezer_seal */
  i64 rseq_offset;  /* of glibc's struct rseq from the thread pointer */
  u64 rseq_bytes;   /* 0: it registers none */
  u64 network;      /* descriptor of the connection to the worker's network; 0: none */
  u64 features;     /* FEATURE_ bits */
  u64 reason;       /* REASON_BYTES: why the template was refused */
  u64 seed;         /* out, in a child: 31 random bits */
  u64 pid;          /* out, in a child: its number as it sees it */
};

enum {
  FEATURE_NAMESPACES = 1,   /* a child has mounts, processes, IPC and host name of its own */
  FEATURE_OWN_USERS = 2,    /* and a user namespace, whose rights it makes them with */
};
enum { REASON_BYTES = 256 };

/* What the export returns. */
enum { IN_CHILD = 0, NOT_QUIET = -1, REFUSED = -2 };

/* Worker -> template, and back; src/executor/template/control-messages.ts has the same layouts. */
enum { ASK_FORK = 1, ASK_REAP = 2, ASK_WRITTEN = 3, ASK_READ = 4 };
struct request {
  u32 bytes; /* of this struct */
  u32 ask;
  u32 uid; /* user and group of the child; NO_UID: those of the template */
  u32 max_tasks;
  u32 open_files;
  i32 pid; /* ASK_REAP: the child whose end the worker has heard of */
  u64 scratch_bytes;
  u8 token[16]; /* by which the worker knows the child's connections */
  u64 from, to; /* ASK_WRITTEN, ASK_READ: memory that every execution writes to, or reads of a file */
};
enum { NO_UID = 0xffffffff };

enum { SAYS_FROZEN = 1, SAYS_FORKED = 2, SAYS_ENDED = 3 };
struct answer {
  u32 says;
  i32 pid;         /* as the template sees it; SAYS_FORKED: or an error number, negated */
  i32 code;        /* SAYS_ENDED: CLD_EXITED or CLD_KILLED; SAYS_FROZEN: threads */
  i32 status;      /* exit code or signal; SAYS_FROZEN: descriptors */
  u64 user_us, system_us, max_rss_kb, minor_faults; /* of the child, after its end */
  u64 reserved[2];
};

extern struct freezing freezing;

/* text.c */
void *memcpy(void *to, const void *from, u64 bytes);
void *memset(void *to, int value, u64 bytes);
int text_length(const char *text);
int begins_with(const char *text, const char *beginning);
const char *find(const char *text, const char *part);
u64 number_at(const char **text, int base);
void join(char *to, int limit, const char *before, u64 number, const char *after);
int read_file(const char *path, char *to, int limit);
/* Notes why the template is refused; always returns REFUSED. */
int refuse(const char *why, u64 number, const char *detail);

/* threads.c */
extern u32 *main_thread_number;
extern int parked_threads;
int park_threads(void);
void release_threads(void);
int resume_threads(void);
void restore_main_thread(void);

/* descriptors.c */
extern int planned_descriptors;
int plan_descriptors(void);
enum { GIVEN_MAX = 8 };
/* given[n]: the descriptor that is to get number n; negative: none. */
int remake_descriptors(const int given[GIVEN_MAX]);

/* memory.c */
int open_memory(void);
void note_touched(u64 from, u64 to, int is_written);
void touch_memory(void);

/* child.c */
int become_runner(const struct request *request);
int map_users(u32 uid, u32 gid);

/* registers.c */
/* What the ABI has a function keep, and where it goes on. */
struct registers {
  u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
/* Returns 0; and once more, not 0, when somebody goes on from what was saved. */
int save_registers(struct registers *to) __attribute__((returns_twice));
void go_on(const struct registers *from) __attribute__((noreturn));
/* A thread of this process that goes on from what another saved, on that one's stack. */
i64 clone_thread(u64 flags, u64 stack, u32 *number, u64 thread_pointer, const struct registers *from);
/* A task that runs a function on a stack of its own; the function must not return. */
i64 clone_onto(u64 flags, u64 stack_top, void (*function)(u64), u64 argument);
void signal_restorer(void);

#endif
