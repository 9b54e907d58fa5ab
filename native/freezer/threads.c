/*
 * A fork copies the memory of all threads but only the calling thread itself. So every other thread is first
 * brought to a point that we know: into the handler of a signal, where it saves what only the kernel knows of it
 * and sleeps. In a child one clone for each starts a new kernel thread on the copied stack of the old one, with
 * its thread pointer, which then returns from the handler as if nothing had been. The thread in the template
 * sleeps for good.
 */
#include "freezer.h"

/* SIGSETXID of glibc, which lets no thread block it: reaches those that block every signal, too. */
enum { PARK_SIGNAL = 33, THREADS_MAX = 64, ROUNDS_MAX = 5, NAME_BYTES = 16 };
enum { PARK_WAITS = 50, PARK_WAIT_NS = 100000000 };
enum { PR_SET_NAME = 15, PR_GET_NAME = 16, PR_GET_TID_ADDRESS = 40, ARCH_GET_FS = 0x1003 };
/* What the kernel wants back to let glibc's registration be given up: RSEQ_SIG of x86. */
enum { RSEQ_SIGNATURE = 0x53053053, RSEQ_MIN_BYTES = 32 };

enum { CALLED, PARKED, RELEASED };

struct thread {
  struct registers registers;
  u64 pointer;       /* the thread pointer, fs */
  u32 *number;       /* where the C library keeps the thread's number; the kernel clears it at the thread's end */
  u64 robust_list;   /* of mutexes that outlive their holder */
  u64 robust_bytes;
  int tid;
  int is_waiting;    /* it was stopped in a system call that waits, not in the middle of work */
  volatile u32 state;
  char name[NAME_BYTES];
};

static struct thread threads[THREADS_MAX];
int parked_threads;

u32 *main_thread_number;
static u64 main_pointer, main_robust_list, main_robust_bytes;

static void futex(volatile u32 *word, int operation, u32 value, void *timeout) {
  kernel(NR_futex, word, operation, value, timeout);
}

/* The places in ucontext_t that say what a thread was doing: rax and rip. */
enum { CONTEXT_RAX = 40 + 13 * 8, CONTEXT_RIP = 40 + 16 * 8 };

/*
 * Whether the interrupted instruction is a system call that waits. The kernel either goes back to the call, to
 * begin it again after the handler, with its number in rax; or it ended it with EINTR.
 */
static int is_wait(const u8 *context) {
  i64 rax = *(i64 *)(context + CONTEXT_RAX);
  const u8 *rip = *(const u8 **)(context + CONTEXT_RIP);
  if (rip[0] == 0x0f && rip[1] == 0x05) {
    enum { NR_poll = 7, NR_epoll_wait = 232, NR_epoll_pwait = 281, NR_restart_syscall = 219 };
    return rax == NR_futex || rax == NR_read || rax == NR_poll || rax == NR_ppoll || rax == NR_epoll_wait ||
           rax == NR_epoll_pwait || rax == NR_restart_syscall;
  }
  return rip[-2] == 0x0f && rip[-1] == 0x05 && rax == -E_INTR;
}

static void register_rseq(u64 pointer) {
  u64 bytes = freezing.rseq_bytes;
  if (bytes == 0) return;
  if (bytes < RSEQ_MIN_BYTES) bytes = RSEQ_MIN_BYTES;
  kernel(NR_rseq, pointer + freezing.rseq_offset, bytes, 0, RSEQ_SIGNATURE);
}

static struct thread *thread_of(int tid) {
  for (int i = 0; i < parked_threads; i++)
    if (threads[i].tid == tid) return &threads[i];
  return NULL;
}

static void park(int signal, void *info, void *context) {
  (void)signal, (void)info;
  struct thread *const self = thread_of((int)kernel(NR_gettid));
  if (self == NULL) return;
  self->is_waiting = is_wait(context);
  kernel(NR_arch_prctl, ARCH_GET_FS, &self->pointer);
  kernel(NR_prctl, PR_GET_TID_ADDRESS, &self->number);
  kernel(NR_get_robust_list, 0, &self->robust_list, &self->robust_bytes);
  kernel(NR_prctl, PR_GET_NAME, self->name);
  if (save_registers(&self->registers) == 0) {
    self->state = PARKED;
    futex(&self->state, FUTEX_WAKE, 1, NULL);
    while (self->state == PARKED) futex(&self->state, FUTEX_WAIT, PARKED, NULL);
    return;
  }
  /* In a child: a new thread of the kernel, which knows nothing of what the old one had told it. */
  if (self->robust_list) kernel(NR_set_robust_list, self->robust_list, self->robust_bytes);
  register_rseq(self->pointer);
  kernel(NR_prctl, PR_SET_NAME, self->name);
}

static int park_one(int pid, int tid) {
  if (parked_threads == THREADS_MAX) return refuse("more threads than ", THREADS_MAX, "");
  struct thread *thread = &threads[parked_threads++];
  thread->tid = tid;
  thread->number = NULL;
  thread->state = CALLED;
  kernel(NR_tgkill, pid, tid, PARK_SIGNAL);
  u64 pause[2] = {0, PARK_WAIT_NS};
  for (int i = 0; i < PARK_WAITS && thread->state == CALLED; i++) futex(&thread->state, FUTEX_WAIT, CALLED, pause);
  if (thread->state == CALLED) return refuse("thread ", tid, " does not park");
  if (thread->number == NULL || *thread->number != (u32)tid)
    return refuse("the C library does not keep the number of thread ", tid, " where the kernel was told");
  return 0;
}

/* One look at the list of threads: those that are new since the last are parked. How many there were. */
static int park_round(int pid) {
  static char entries[8192];
  i64 folder = kernel(NR_openat, AT_FDCWD, "/proc/self/task", O_CLOEXEC | O_DIRECTORY);
  if (folder < 0) return refuse("no /proc/self/task: error ", -folder, "");
  int main_tid = (int)kernel(NR_gettid), found = 0, result = 0;
  i64 bytes;
  while (result >= 0 && (bytes = kernel(NR_getdents64, folder, entries, sizeof entries)) > 0) {
    for (i64 at = 0; result >= 0 && at < bytes; at += *(u16 *)(entries + at + 16)) {
      const char *name = entries + at + 19;
      if (*name == '.') continue;
      int tid = (int)number_at(&name, 10);
      if (tid == main_tid || thread_of(tid)) continue;
      found++;
      result = park_one(pid, tid);
    }
  }
  kernel(NR_close, folder);
  return result < 0 ? result : found;
}

static int park_all(void) {
  int pid = (int)kernel(NR_getpid);
  for (int round = 0; round < ROUNDS_MAX; round++) {
    int found = park_round(pid);
    if (found < 0) return found;
    if (found > 0) continue;
    /* A thread in the middle of work may hold a lock that names its owner by a number that no child has. */
    for (int i = 0; i < parked_threads; i++)
      if (!threads[i].is_waiting) {
        refuse("thread ", threads[i].tid, " was busy");
        return NOT_QUIET;
      }
    return 0;
  }
  return refuse("threads come and go; so far ", parked_threads, "");
}

/* Parks every thread but the calling one. After an error none is parked. */
int park_threads(void) {
  kernel(NR_arch_prctl, ARCH_GET_FS, &main_pointer);
  kernel(NR_get_robust_list, 0, &main_robust_list, &main_robust_bytes);
  kernel(NR_prctl, PR_GET_TID_ADDRESS, &main_thread_number);
  if (main_thread_number == NULL || *main_thread_number != (u32)kernel(NR_gettid))
    return refuse("the kernel does not say where the number of a thread is kept; thread ", kernel(NR_gettid), "");
  struct signal_action action = {park, SA_SIGINFO | SA_RESTART | SA_RESTORER, signal_restorer, ~0UL}, before;
  kernel(NR_rt_sigaction, PARK_SIGNAL, &action, &before, SIGSET_BYTES);
  parked_threads = 0;
  int result = park_all();
  if (result < 0) release_threads();
  kernel(NR_rt_sigaction, PARK_SIGNAL, &before, NULL, SIGSET_BYTES);
  return result;
}

/* Lets the parked threads go on in this very process. */
void release_threads(void) {
  for (int i = 0; i < parked_threads; i++) {
    threads[i].state = RELEASED;
    futex(&threads[i].state, FUTEX_WAKE, 1, NULL);
  }
  parked_threads = 0;
}

enum {
  CLONE_VM = 0x100,
  CLONE_FS = 0x200,
  CLONE_FILES = 0x400,
  CLONE_SIGHAND = 0x800,
  CLONE_THREAD = 0x10000,
  CLONE_SYSVSEM = 0x40000,
  CLONE_SETTLS = 0x80000,
  CLONE_CHILD_CLEARTID = 0x200000,
  CLONE_CHILD_SETTID = 0x1000000,
  THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                 CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
  /* Below what the handler's frame uses without having moved the stack pointer. */
  BELOW_FRAME = 256,
};

/* In a child: starts each thread again. */
int resume_threads(void) {
  for (int i = 0; i < parked_threads; i++) {
    struct thread *thread = &threads[i];
    i64 tid = clone_thread(THREAD_FLAGS, thread->registers.rsp - BELOW_FRAME, thread->number, thread->pointer,
                           &thread->registers);
    if (tid < 0) return (int)tid;
  }
  return 0;
}

/* In a child: what the kernel forgot of the calling thread when it was copied. */
void restore_main_thread(void) {
  if (main_robust_list) kernel(NR_set_robust_list, main_robust_list, main_robust_bytes);
  register_rseq(main_pointer);
}
