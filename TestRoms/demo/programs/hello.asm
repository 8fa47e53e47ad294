; The smallest program that says something.

%include "program.inc"

    SAY "Hello from ring 3, task "
    CALL_KERNEL TASK
    add al, '0'
    mov [digit], al
    CALL_KERNEL WRITE, digit, 2
    CALL_KERNEL END, 0

digit: db "0", 10
