/* The few things that C cannot say. */
#include "freezer.h"

__attribute__((naked)) int save_registers(struct registers *to) {
  __asm__(
      "mov %rbx, 0(%rdi)\n"
      "mov %rbp, 8(%rdi)\n"
      "mov %r12, 16(%rdi)\n"
      "mov %r13, 24(%rdi)\n"
      "mov %r14, 32(%rdi)\n"
      "mov %r15, 40(%rdi)\n"
      "lea 8(%rsp), %rax\n" /* the caller's stack once this has returned */
      "mov %rax, 48(%rdi)\n"
      "mov (%rsp), %rax\n" /* where it goes on */
      "mov %rax, 56(%rdi)\n"
      "xor %eax, %eax\n"
      "ret\n");
}

__attribute__((naked)) void go_on(const struct registers *from) {
  __asm__(
      "mov 0(%rdi), %rbx\n"
      "mov 8(%rdi), %rbp\n"
      "mov 16(%rdi), %r12\n"
      "mov 24(%rdi), %r13\n"
      "mov 32(%rdi), %r14\n"
      "mov 40(%rdi), %r15\n"
      "mov 48(%rdi), %rsp\n"
      "mov 56(%rdi), %rdx\n"
      "mov $1, %eax\n"
      "jmp *%rdx\n");
}

/* clone(flags, stack, parent's copy of the number, child's copy of the number, thread pointer) */
__attribute__((naked)) i64 clone_thread(u64 flags, u64 stack, u32 *number, u64 thread_pointer,
                                        const struct registers *from) {
  __asm__(
      "push %r12\n"
      "mov %r8, %r12\n" /* the kernel keeps it, for the new thread too */
      "mov %rdx, %r10\n"
      "mov %rcx, %r8\n"
      "xor %edx, %edx\n"
      "mov $56, %eax\n"
      "syscall\n"
      "test %rax, %rax\n"
      "jz 1f\n"
      "pop %r12\n"
      "ret\n"
      "1: mov %r12, %rdi\n"
      "jmp go_on\n");
}

__attribute__((naked)) i64 clone_onto(u64 flags, u64 stack_top, void (*function)(u64), u64 argument) {
  __asm__(
      "push %r12\n"
      "push %r13\n"
      "mov %rdx, %r12\n"
      "mov %rcx, %r13\n"
      "xor %edx, %edx\n"
      "xor %r10d, %r10d\n"
      "xor %r8d, %r8d\n"
      "mov $56, %eax\n"
      "syscall\n"
      "test %rax, %rax\n"
      "jz 1f\n"
      "pop %r13\n"
      "pop %r12\n"
      "ret\n"
      "1: xor %ebp, %ebp\n"
      "mov %r13, %rdi\n"
      "call *%r12\n"
      "hlt\n");
}

/* What the C library would put there: leaves a signal handler. */
__attribute__((naked)) void signal_restorer(void) {
  __asm__("mov $15, %eax\nsyscall\n");
}
