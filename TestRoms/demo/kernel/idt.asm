; Interrupts and exceptions. SDM volume 3, chapter 6; 8259A data sheet.
;
; The interrupt descriptor table has a gate for each of 256 vectors. 0-31 are the processor's exceptions; the BIOS leaves the interrupt controllers
; (two 8259A in a row) at 08h-0Fh and 70h-77h, which collides with them, so we move those to 20h-2Fh. 80h is the system call, 81h gives up the processor.
;
; Every vector has a stub, which pushes its number, and an error code where the processor has not; then all meet in "interrupt", which completes the
; frame, the whole state of what was interrupted, and calls the vector's handler with EBX = frame. A handler may change EBX: the return then goes to
; another frame, and that is how tasks are switched.

IRQ_BASE        equ 0x20
SYSTEM_CALL     equ 0x80
YIELD           equ 0x81

PIC1            equ 0x20                ; command port; the next one is data
PIC2            equ 0xA0

struc Frame
    .gs             resd 1
    .fs             resd 1
    .es             resd 1
    .ds             resd 1
    .edi            resd 1
    .esi            resd 1
    .ebp            resd 1
                    resd 1              ; ESP as PUSHAD saves it; POPAD skips it
    .ebx            resd 1
    .edx            resd 1
    .ecx            resd 1
    .eax            resd 1
    .vector         resd 1
    .error          resd 1
    .eip            resd 1              ; from here on what the processor pushes
    .cs             resd 1
    .eflags         resd 1
    .esp            resd 1              ; these two only when it came from ring 3
    .ss             resd 1
endstruc

idt_init:
    xor ecx, ecx
.gate:                                  ; interrupt gates: IF is cleared on the way in
    mov eax, [stubs + ecx * 4]
    mov [idt + ecx * 8], ax
    mov word [idt + ecx * 8 + 2], KERNEL_CODE
    mov word [idt + ecx * 8 + 4], 0x8E00 ; present, ring 0 only, 32-bit interrupt gate
    shr eax, 16
    mov [idt + ecx * 8 + 6], ax
    mov dword [handlers + ecx * 4], unexpected
    inc ecx
    cmp ecx, 256
    jb .gate
    mov word [idt + SYSTEM_CALL * 8 + 4], 0xEE00 ; the one that INT may use in ring 3
    mov edi, handlers
    mov eax, exception
    mov ecx, 32
    rep stosd
    mov eax, irq
    mov ecx, 16
    rep stosd
    mov dword [handlers + SYSTEM_CALL * 4], system_call
    mov dword [handlers + YIELD * 4], schedule
    lidt [idt_register]

    mov al, 0x11                        ; ICW1: edge triggered, two controllers, ICW4 follows
    out PIC1, al
    out PIC2, al
    mov al, IRQ_BASE                    ; ICW2: vectors
    out PIC1 + 1, al
    mov al, IRQ_BASE + 8
    out PIC2 + 1, al
    mov al, 4                           ; ICW3: the second one is at input 2
    out PIC1 + 1, al
    mov al, 2
    out PIC2 + 1, al
    mov al, 1                           ; ICW4: 8086 mode
    out PIC1 + 1, al
    out PIC2 + 1, al
    mov al, 0xFB                        ; all masked but the second controller
    out PIC1 + 1, al
    mov al, 0xFF
    out PIC2 + 1, al
    ret

; irq_install: EAX = interrupt 0-15, EDX = routine, which may change all registers but EBX (the frame) and ESP. Unmasks it.
irq_install:
    pushad
    mov [irq_routines + eax * 4], edx
    mov ecx, eax
    mov edx, PIC1 + 1
    cmp ecx, 8
    jb .first
    mov edx, PIC2 + 1
    sub ecx, 8
.first:
    mov ah, 1
    shl ah, cl
    not ah
    in al, dx
    and al, ah
    out dx, al
    popad
    ret

; ---- The stubs -------------------------------------------------------------------------------------------------------------------------------------
%assign vector 0
%rep 256
stub_%+vector:
    %if vector != 8 && vector != 17 && (vector < 10 || vector > 14)
        push dword 0                    ; where the processor pushes no error code
    %endif
    push dword vector
    jmp interrupt
    %assign vector vector + 1
%endrep

interrupt:
    pushad
    push ds
    push es
    push fs
    push gs
    mov eax, KERNEL_DATA
    mov ds, eax
    mov es, eax
    cld
    mov ebx, esp
    mov eax, [ebx + Frame.vector]
    call [handlers + eax * 4]
    mov esp, ebx
    pop gs
    pop fs
    pop es
    pop ds
    popad
    add esp, 8                          ; vector and error code
    iretd

; ---- Hardware interrupts ---------------------------------------------------------------------------------------------------------------------------
irq:
    sub eax, IRQ_BASE
    cmp eax, 7
    je .maybe_spurious
    cmp eax, 15
    je .maybe_spurious
.real:
    mov edx, eax
    mov al, 0x20                        ; end of interrupt, first: the routine may go on to another task
    cmp edx, 8
    jb .first
    out PIC2, al
.first:
    out PIC1, al
    mov eax, [irq_routines + edx * 4]
    test eax, eax
    jz .done
    jmp eax
.maybe_spurious:                        ; a request that went away before it was acknowledged comes as input 7 and is not in service
    mov edx, PIC1
    cmp eax, 8
    jb .ask
    mov edx, PIC2
.ask:
    push eax
    mov al, 0x0B                        ; OCW3: the next read gives the in-service register
    out dx, al
    in al, dx
    test al, 0x80
    pop eax
    jnz .real
    cmp eax, 8
    jb .done
    mov al, 0x20                        ; the first controller has seen a real one from the second
    out PIC1, al
.done:
    ret

unexpected:
    PRINT 4, "Unexpected interrupt "
    call print_hex2
    PRINT 1, 10
    ret

; ---- Exceptions ------------------------------------------------------------------------------------------------------------------------------------
; A test that provokes an exception sets trap_resume to where it goes on; trap_vector, trap_error, trap_address and trap_eip then say what came.
exception:
    mov ecx, [trap_resume]
    jecxz .not_expected
    mov [trap_vector], eax
    mov eax, [ebx + Frame.error]
    mov [trap_error], eax
    mov eax, cr2
    mov [trap_address], eax
    mov eax, [ebx + Frame.eip]
    mov [trap_eip], eax
    mov [ebx + Frame.eip], ecx
    and dword [ebx + Frame.eflags], ~EFLAGS_TF ; a single step is one step
    mov dword [trap_resume], 0
    ret
.not_expected:
    test byte [ebx + Frame.cs], 3
    jnz .program
    PRINT 10, 4, "The kernel has failed: "
    call describe_exception
    call new_line
    call print_registers
    cli
.halt:
    hlt
    jmp .halt

.program:                               ; it ends, the system goes on
    mov [trap_vector], eax
    mov ecx, [ebx + Frame.error]
    mov [trap_error], ecx
    cmp byte [trap_quiet], 0
    jne .quiet
    mov esi, [current]
    add esi, Task.name
    PRINT 4
    call print
    PRINT ": "
    call describe_exception
    PRINT ", ended", 1, 10
.quiet:
    mov eax, -1
    jmp task_end

; describe_exception: EBX = frame.
describe_exception:
    mov eax, [ebx + Frame.vector]
    mov esi, [exception_names + eax * 4]
    call print
    PRINT " at "
    mov eax, [ebx + Frame.eip]
    call print_hex8
    cmp dword [ebx + Frame.vector], 14
    jne .no_address
    PRINT ", address "
    mov eax, cr2
    call print_hex8
.no_address:
    PRINT ", error code "
    mov eax, [ebx + Frame.error]
    jmp print_hex4

print_registers:
    xor ecx, ecx
.next:
    movzx edi, byte [register_offsets + ecx]
    lea esi, [register_names + ecx * 4]
    call print
    mov al, '='
    call console_put
    mov eax, [ebx + edi]
    call print_hex8
    mov al, ' '
    call console_put
    inc ecx
    cmp ecx, 10
    jb .next
    jmp new_line

    section .data
    align 4, db 0
stubs:
%assign vector 0
%rep 256
    dd stub_%+vector
    %assign vector vector + 1
%endrep

exception_names:
    dd .de, .db, .nmi, .bp, .of, .br, .ud, .nm, .df, .reserved, .ts, .np, .ss, .gp, .pf, .reserved, .mf, .ac, .mc, .xm
    times 12 dd .reserved
.de: db "divide error", 0
.db: db "debug exception", 0
.nmi: db "non-maskable interrupt", 0
.bp: db "breakpoint", 0
.of: db "overflow", 0
.br: db "bound range exceeded", 0
.ud: db "invalid opcode", 0
.nm: db "device not available", 0
.df: db "double fault", 0
.ts: db "invalid TSS", 0
.np: db "segment not present", 0
.ss: db "stack fault", 0
.gp: db "general protection", 0
.pf: db "page fault", 0
.mf: db "x87 error", 0
.ac: db "alignment check", 0
.mc: db "machine check", 0
.xm: db "SIMD error", 0
.reserved: db "reserved exception", 0

register_names: db "EAX", 0, "EBX", 0, "ECX", 0, "EDX", 0, "ESI", 0, "EDI", 0, "EBP", 0, "CS ", 0, "EIP", 0, "EFL", 0
register_offsets: db Frame.eax, Frame.ebx, Frame.ecx, Frame.edx, Frame.esi, Frame.edi, Frame.ebp, Frame.cs, Frame.eip, Frame.eflags
    align 4, db 0
idt_register:
    dw 256 * 8 - 1
    dd idt

    section .bss
    alignb 8
idt: resq 256
handlers: resd 256
irq_routines: resd 16
trap_resume: resd 1
trap_vector: resd 1
trap_error: resd 1
trap_address: resd 1
trap_eip: resd 1
    section .text
