; An endless loop, which never gives up the processor. "run loop.bin &" shows that the others go on all the same; "kill" ends it.

%include "program.inc"

    jmp $
