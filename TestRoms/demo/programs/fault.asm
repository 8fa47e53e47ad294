; Does what a program must not do: it writes to the kernel's memory. The kernel ends it and says why.

%include "program.inc"

    SAY "Writing to address 00100000 ...", 10
    mov dword [0x100000], 0
    SAY "This is never printed.", 10
    CALL_KERNEL END, 0
