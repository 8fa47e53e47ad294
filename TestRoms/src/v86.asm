; v86: virtual-8086 mode. Entering it with IRET, what its exceptions push, the instructions that IOPL traps, the I/O bitmap, a small
; monitor that lets an 8086 program run, and the virtual-8086 extensions (VME): the interrupt redirection map and the virtual
; interrupt flag.
;
; SDM volume 3A chapter 20.

%include "kernel.inc"

V86_SEG     equ 0x0600              ; the 8086 program: 06000h to 07FFFh
V86_BASE    equ V86_SEG << 4
V86_STACK   equ 0x1000              ; its SP
V86_EXIT    equ 0x31                ; a DPL 3 gate that ends it, when IOPL is 3

S0 equ SEL_FREE

struc big_tss
    .tss:       resb 104
    .redirect:  resb 32             ; the interrupt redirection map lies below the I/O map
    .io:        resb 8192
    .end_mark:  resb 1
endstruc

section .bss
alignb 128
big:            resb big_tss_size
monitor_log:    resd 64             ; opcodes the monitor emulated
monitor_count:  resd 1
virtual_if:     resd 1
saved:          resd 8
section .text

main:
    ; a TSS with both maps
    mov dword [big + tss32.esp0], ring0_stack_top
    mov dword [big + tss32.ss0], SEL_DATA
    mov word [big + tss32.iomap], big_tss.io
    mov byte [big + big_tss.end_mark], 0xFF
    SET_DESC S0, big, big_tss_size - 1, ACC_P | SYS_TSS32, 0
    mov ax, S0
    ltr ax
    mov ecx, V86_EXIT
    mov eax, stubs + V86_EXIT * 16
    mov dl, ACC_P | ACC_DPL3 | SYS_INT32
    call set_gate
    call entry_and_frame
    call segments
    call iopl_3
    call iopl_0
    call io_map
    call faults
    call monitor
    call vme
    call vme_interrupt_flag
    ret

; V86 label_begin, label_end, eflags: copies the 16-bit code to the 8086 segment and runs it until the first exception
%macro V86 2-3 FL_1 | FL_IOPL
    push esi
    push edi
    push ecx
    mov esi, %1
    mov edi, V86_BASE
    mov ecx, %2 - %1
    cld
    rep movsb
    pop ecx
    pop edi
    pop esi
    TRY
    push dword 0x4444                   ; GS FS DS ES
    push dword 0x3333
    push dword V86_SEG
    push dword 0x1111
    push dword V86_SEG                  ; SS
    push dword V86_STACK
    push dword FL_VM | (%3)
    push dword V86_SEG
    push dword 0
    iretd
    END_TRY
%endmacro
; V86_FAULT vector, error, ip
%macro V86_FAULT 3.nolist
    EXPECT_FAULT %1, %2, %3
    EXPECT_EQ [caught.cs], V86_SEG
%endmacro

; ---------------------------------------------------------------------------------------------------------------------------------
entry_and_frame:
    GROUP "IRET to virtual-8086 mode, and the frame"
    mov eax, 0x12345678
    V86 .code, .end, FL_1 | FL_IOPL | FL_CF
    EXPECT_FAULT V86_EXIT, 0, .end - .code
    ; SS:ESP, EFLAGS with VM, CS:EIP, and the data segments above
    EXPECT_EQ [caught.cs], V86_SEG
    EXPECT_EQ [caught.ss], V86_SEG
    EXPECT_EQ [caught.esp], V86_STACK
    EXPECT_EQ [caught.eflags], FL_1 | FL_IOPL | FL_CF | FL_VM
    EXPECT_EQ [caught + frame.v86_es], 0x1111
    EXPECT_EQ [caught + frame.v86_ds], V86_SEG
    EXPECT_EQ [caught + frame.v86_fs], 0x3333
    EXPECT_EQ [caught + frame.v86_gs], 0x4444
    EXPECT_EQ eax, 0x12345678
    ; 9 dwords, and the stub's dummy error code is where esp_handler points
    EXPECT_EQ [caught.esp_handler], ring0_stack_top - 40
    ; in the handler the data segment registers are null
    EXPECT_EQ [caught + frame.ds], 0
    EXPECT_EQ [caught + frame.es], 0
    EXPECT_EQ [caught + frame.fs], 0
    EXPECT_EQ [caught + frame.gs], 0
    ret
bits 16
.code:
    int V86_EXIT
.end:
bits 32

segments:
    GROUP "8086 segments"
    ; selectors are paragraphs; limits are 64 KiB; CPL is 3
    mov dword [0x11110 + 0x20], 0x00C0FFEE
    V86 .code, .end
    EXPECT_FAULT V86_EXIT
    EXPECT_EQ eax, 0x00C0FFEE
    EXPECT_EQ ebx, 0x3333
    EXPECT_EQ ecx, 0x00010000 | V86_STACK - 2
    EXPECT_EQ [caught + frame.v86_fs], 0x5678
    ; beyond 64 KiB
    V86 .beyond, .beyond_end
    V86_FAULT VEC_GP, 0, .beyond_at - .beyond
    V86 .stack, .stack_end
    V86_FAULT VEC_SS, 0, .stack_at - .stack
    ret
bits 16
.code:
    mov eax, [es:0x20]
    mov bx, fs
    movzx ebx, bx
    mov cx, 0x5678
    mov fs, cx
    mov ecx, 0x10000
    push cx
    mov cx, sp
    int V86_EXIT
.end:
.beyond:
    mov si, 0xFFFF
.beyond_at:
    mov ax, [si]
.beyond_end:
.stack:
    mov bp, 0xFFFF
.stack_at:
    mov ax, [bp]
.stack_end:
bits 32

iopl_3:
    GROUP "IOPL 3: no traps"
    V86 .code, .end
    EXPECT_FAULT V86_EXIT, 0, .end - .code
    EXPECT_EQ eax, 0x3202                       ; what PUSHF saw: IF, IOPL 3
    mov eax, [caught.eflags]
    and eax, FL_IF | FL_CF | FL_IOPL | FL_VM
    EXPECT_EQ eax, FL_CF | FL_IOPL | FL_VM      ; CLI, STC and IRET went through; IOPL cannot be changed
    ; INT n uses the IDT, and its gate needs DPL 3: the target of this one is ring 0
    V86 .int, .int_end
    V86_FAULT VEC_GP, 0x80 * 8 + ERR_IDT, 0
    ; a gate whose code segment is of DPL 3 would not reach ring 0: #GP with that selector
    mov word [idt + 0x32 * 8 + 2], SEL_UCODE
    mov byte [idt + 0x32 * 8 + 5], ACC_P | ACC_DPL3 | SYS_INT32
    V86 .int32, .int32_end
    V86_FAULT VEC_GP, SEL_UCODE & ~3, 0
    mov ecx, 0x32
    call default_gate
    mov word [idt + 0x32 * 8 + 2], SEL_CODE
    ret
bits 16
.code:
    sti
    pushf
    pop ax
    movzx eax, ax
    cli
    push word 0x0003                            ; POPF: IOPL of 0 is ignored
    popf
    push word 0x0003
    push cs
    push word .iret - .code
    iret
.iret:
    int V86_EXIT
.end:
.int:
    int 0x80
.int_end:
.int32:
    int 0x32
.int32_end:
bits 32

; TRAPS instruction: #GP(0) in V86 mode with IOPL 0
%macro TRAPS 1+.nolist
    V86 %%code, %%end, FL_1
    V86_FAULT VEC_GP, 0, 0
    jmp %%end
bits 16
%%code:
    %1
bits 32
%%end:
%endmacro
; TRAPS_ALWAYS: the same with any IOPL
%macro TRAPS_ALWAYS 2+.nolist
    V86 %%code, %%end
    V86_FAULT %1, 0, 0
    jmp %%end
bits 16
%%code:
    %2
bits 32
%%end:
%endmacro

iopl_0:
    GROUP "IOPL below 3: sensitive instructions"
    TRAPS cli
    TRAPS sti
    TRAPS pushf
    TRAPS popf
    TRAPS {pushfd}
    TRAPS {popfd}
    TRAPS iret
    TRAPS {iretd}
    TRAPS int 0x21
    TRAPS {int V86_EXIT}                        ; whatever the gate's DPL
    ; INT3 and INTO do not depend on IOPL; they look at the gate
    mov byte [idt + VEC_BP * 8 + 5], ACC_P | ACC_DPL3 | SYS_INT32
    V86 .int3, .int3_end, FL_1
    EXPECT_FAULT VEC_BP, 0, 1
    mov byte [idt + VEC_BP * 8 + 5], ACC_P | SYS_INT32
    V86 .int3, .int3_end, FL_1
    V86_FAULT VEC_GP, VEC_BP * 8 + ERR_IDT, 0

    GROUP "privileged and protected-mode instructions"
    TRAPS_ALWAYS VEC_GP, hlt
    TRAPS_ALWAYS VEC_GP, {mov eax, cr0}
    TRAPS_ALWAYS VEC_GP, {mov cr0, eax}
    TRAPS_ALWAYS VEC_GP, {mov eax, dr7}
    TRAPS_ALWAYS VEC_GP, clts
    TRAPS_ALWAYS VEC_GP, {lmsw ax}
    TRAPS_ALWAYS VEC_GP, {lgdt [0]}
    TRAPS_ALWAYS VEC_GP, {lidt [0]}
    TRAPS_ALWAYS VEC_GP, {invlpg [0]}
    TRAPS_ALWAYS VEC_GP, wbinvd
    TRAPS_ALWAYS VEC_GP, rdmsr
    ; these do not exist here at all
    TRAPS_ALWAYS VEC_UD, {lldt ax}
    TRAPS_ALWAYS VEC_UD, {ltr ax}
    TRAPS_ALWAYS VEC_UD, {sldt ax}
    TRAPS_ALWAYS VEC_UD, {str ax}
    TRAPS_ALWAYS VEC_UD, {verr ax}
    TRAPS_ALWAYS VEC_UD, {lar ax, ax}
    TRAPS_ALWAYS VEC_UD, {arpl ax, ax}
    ; SMSW, SGDT are looks, and allowed
    V86 .smsw, .smsw_end
    EXPECT_FAULT V86_EXIT
    and eax, CR0_PE
    EXPECT_EQ eax, CR0_PE
    ret
bits 16
.int3:
    int3
.int3_end:
.smsw:
    smsw eax
    sgdt [0x100]
    int V86_EXIT
.smsw_end:
bits 32

io_map:
    GROUP "I/O bitmap"
    ; in V86 mode the map decides, and IOPL does not matter
    mov dword [big + big_tss.io + 0x10], 0xFFFFFFFF
    V86 .in, .in_end                            ; IOPL 3
    V86_FAULT VEC_GP, 0, 0
    mov byte [big + big_tss.io + 0x10], 0xFE    ; port 80h
    V86 .in, .in_end
    EXPECT_FAULT V86_EXIT
    V86 .in_word, .in_word_end
    V86_FAULT VEC_GP, 0, 0
    V86 .in, .in_end, FL_1                      ; IOPL 0: the IN runs, the INT behind it traps
    V86_FAULT VEC_GP, 0, 2
    ; the last port is the last bit of the map; the byte of ones behind it ends it
    V86 .in_last, .in_last_end
    EXPECT_FAULT V86_EXIT
    mov byte [big + big_tss.io + 0x1FFF], 0x80
    V86 .in_last, .in_last_end
    V86_FAULT VEC_GP, 0, 3
    mov byte [big + big_tss.io + 0x1FFF], 0
    V86 .in_last_word, .in_last_word_end        ; ports FFFFh and 10000h
    V86_FAULT VEC_GP, 0, 3
    mov dword [big + big_tss.io + 0x10], 0
    ret
bits 16
.in:
    in al, 0x80
    int V86_EXIT
.in_end:
.in_word:
    in ax, 0x80
    int V86_EXIT
.in_word_end:
.in_last:
    mov dx, 0xFFFF
    in al, dx
    int V86_EXIT
.in_last_end:
.in_last_word:
    mov dx, 0xFFFF
    in ax, dx
    int V86_EXIT
.in_last_word_end:
bits 32

faults:
    GROUP "exceptions out of V86 mode"
    V86 .divide, .divide_end, FL_1
    V86_FAULT VEC_DE, 0, .divide_at - .divide
    mov eax, [caught.eflags]
    and eax, FL_VM | FL_RF
    EXPECT_EQ eax, FL_VM | FL_RF
    V86 .undefined, .undefined_end, FL_1
    V86_FAULT VEC_UD, 0, 0
    ; INT n of a conforming handler segment: the exception must go to CPL 0
    SET_DESC S0 + 8, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_CONF | ACC_READ, DF_G | DF_B
    mov word [idt + 0x32 * 8 + 2], S0 + 8
    mov byte [idt + 0x32 * 8 + 5], ACC_P | ACC_DPL3 | SYS_INT32
    V86 .int32, .int32_end
    V86_FAULT VEC_GP, S0 + 8, 0
    mov ecx, 0x32
    call default_gate
    mov word [idt + 0x32 * 8 + 2], SEL_CODE
    ; single step
    V86 .step, .step_end, FL_1 | FL_TF
    V86_FAULT VEC_DB, 0, 1
    ret
bits 16
.divide:
    xor cx, cx
.divide_at:
    div cx
.divide_end:
.undefined:
    ud2
.undefined_end:
.int32:
    int 0x32
.int32_end:
.step:
    nop
    nop
.step_end:
bits 32

; ---------------------------------------------------------------------------------------------------------------------------------
; A monitor of about sixty lines: with IOPL 0 it emulates CLI, STI, PUSHF, POPF, INT and IRET for the 8086 program, keeping the
; program's interrupt flag in `virtual_if`, and reflects INT n through the vector table at 0:0. EBX is the frame.
monitor_gp:
    movzx esi, word [ebx + frame.cs]
    shl esi, 4
    add esi, [ebx + frame.eip]                  ; the instruction, linear
    movzx edi, word [ebx + frame.ss]
    shl edi, 4
    movzx eax, byte [esi]
    mov ecx, [monitor_count]
    mov [monitor_log + ecx * 4], eax
    inc dword [monitor_count]
    inc word [ebx + frame.eip]
    cmp al, 0xFA
    je .cli
    cmp al, 0xFB
    je .sti
    cmp al, 0x9C
    je .pushf
    cmp al, 0x9D
    je .popf
    cmp al, 0xCF
    je .iret
    cmp al, 0xCD
    je .int
    ; anything else ends the program: HLT is how ours does
    mov dword [hooks + VEC_GP * 4], 0
    mov dword [ebx + frame.eip], .ended
    mov dword [ebx + frame.cs], SEL_CODE
    mov dword [ebx + frame.eflags], FL_1
    mov eax, [ebx + frame.esp]
    mov [saved], eax
    ret
.ended:
    ; the IRET stayed in ring 0, so SS:ESP is the rest of the handler's frame
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    mov esp, [catch_esp]
    jmp [catch_resume]
.cli:
    mov dword [virtual_if], 0
    ret
.sti:
    mov dword [virtual_if], FL_IF
    ret
.flags:                                         ; EAX = the flags as the program sees them
    mov eax, [ebx + frame.eflags]
    and eax, 0xFFFF & ~(FL_IF | FL_IOPL)
    or eax, [virtual_if]
    ret
.push:                                          ; pushes AX
    sub word [ebx + frame.esp], 2
    movzx ecx, word [ebx + frame.esp]
    mov [edi + ecx], ax
    ret
.pop:                                           ; pops AX
    movzx ecx, word [ebx + frame.esp]
    movzx eax, word [edi + ecx]
    add word [ebx + frame.esp], 2
    ret
.set_flags:                                     ; from AX
    movzx eax, ax
    mov ecx, eax
    and ecx, FL_IF
    mov [virtual_if], ecx
    and eax, FL_STATUS | FL_DF
    or eax, FL_VM | FL_1
    mov [ebx + frame.eflags], eax
    ret
.pushf:
    call .flags
    jmp .push
.popf:
    call .pop
    jmp .set_flags
.iret:
    call .pop
    mov [ebx + frame.eip], eax
    call .pop
    mov [ebx + frame.cs], eax
    call .pop
    jmp .set_flags
.int:
    movzx edx, byte [esi + 1]
    inc word [ebx + frame.eip]
    call .flags
    call .push
    mov eax, [ebx + frame.cs]
    call .push
    mov eax, [ebx + frame.eip]
    call .push
    mov dword [virtual_if], 0
    movzx eax, word [edx * 4]
    mov [ebx + frame.eip], eax
    movzx eax, word [edx * 4 + 2]
    mov [ebx + frame.cs], eax
    ret

monitor:
    GROUP "a monitor"
    mov dword [virtual_if], FL_IF
    mov dword [monitor_count], 0
    mov word [0x21 * 4], .service - .code
    mov word [0x21 * 4 + 2], V86_SEG
    mov dword [hooks + VEC_GP * 4], monitor_gp
    V86 .code, .end, FL_1
    mov dword [hooks + VEC_GP * 4], 0
    EXPECT_EQ [caught.vector], VEC_NONE
    movzx eax, word [V86_BASE + 0x200]
    EXPECT_EQ eax, 0x0202                       ; PUSHF: IF on, as the program believes
    movzx eax, word [V86_BASE + 0x202]
    EXPECT_EQ eax, 0x0003                       ; after CLI and STC
    movzx eax, word [V86_BASE + 0x204]
    EXPECT_EQ eax, 0x4321 + 1                   ; the service ran
    movzx eax, word [V86_BASE + 0x206]
    EXPECT_EQ eax, 0x0006                       ; inside the service IF was off (PF comes from INC)
    movzx eax, word [V86_BASE + 0x208]
    EXPECT_EQ eax, 0x0203                       ; and IRET put IF and CF back
    EXPECT_EQ [saved], V86_STACK
    EXPECT_EQ [monitor_log], 0x9C
    EXPECT_EQ [monitor_count], 11
    ret
bits 16
.code:
    pushf                                       ; 1
    pop word [0x200]
    cli                                         ; 2
    stc
    pushf                                       ; 3
    pop word [0x202]
    sti                                         ; 4
    mov ax, 0x4321
    int 0x21                                    ; 5, then 6 to 9 in the service
    mov [0x204], ax
    pushf                                       ; 10
    pop word [0x208]
    hlt                                         ; 11
.service:
    inc ax
    clc
    pushf                                       ; 6
    pop word [0x206]
    pushf                                       ; 7
    popf                                        ; 8
    iret                                        ; 9
.end:
bits 32

; ---------------------------------------------------------------------------------------------------------------------------------
vme:
    GROUP "VME: interrupt redirection"
    mov eax, 1
    cpuid
    test edx, 2
    jz .none
    mov eax, cr4
    or eax, CR4_VME
    mov cr4, eax
    ; bit n of the map clear: INT n is handled by the 8086 program itself, through 0:4n, in V86 mode
    mov word [0x80 * 4], .handler - .code
    mov word [0x80 * 4 + 2], V86_SEG
    mov byte [big + big_tss.redirect + 0x80 / 8], 0
    mov byte [big + big_tss.redirect + V86_EXIT / 8], 1 << (V86_EXIT & 7)    ; our exit is not redirected
    ; IOPL 3: flags are pushed as they are
    V86 .code, .end
    EXPECT_FAULT V86_EXIT
    EXPECT_EQ ebx, 0x3202                       ; the pushed image: IF, IOPL 3
    EXPECT_EQ ecx, 0x3002                       ; inside: IF off
    EXPECT_EQ edx, 0x3202                       ; after IRET
    ; IOPL 0: the pushed image shows IOPL 3 and VIF as IF; VIF is cleared, the real IF stays
    V86 .code, .end, FL_1 | FL_VIF
    V86_FAULT VEC_GP, 0, .exit - .code          ; not redirected and IOPL 0: #GP(0)
    EXPECT_EQ ebx, 0x3202
    EXPECT_EQ ecx, 0x3002
    EXPECT_EQ edx, 0x3202
    mov eax, [caught.eflags]
    and eax, FL_VIF | FL_IF | FL_IOPL
    EXPECT_EQ eax, FL_VIF
    ; bit set: as without VME
    mov byte [big + big_tss.redirect + 0x80 / 8], 1
    V86 .int80, .int80_end, FL_1
    V86_FAULT VEC_GP, 0, 0
    V86 .int80, .int80_end
    V86_FAULT VEC_GP, 0x80 * 8 + ERR_IDT, 0
    mov byte [big + big_tss.redirect + 0x80 / 8], 0
    ; INT3 is not redirected
    V86 .int3, .int3_end
    V86_FAULT VEC_GP, VEC_BP * 8 + ERR_IDT, 0
.none:
    ret
bits 16
.code:
    sti
    int 0x80
    pushf
    pop dx
    movzx edx, dx
.exit:
    int V86_EXIT
.handler:
    mov bp, sp
    movzx ebx, word [bp + 4]
    pushf
    pop cx
    movzx ecx, cx
    iret
.end:
.int80:
    int 0x80
.int80_end:
.int3:
    int3
.int3_end:
bits 32

vme_interrupt_flag:
    GROUP "VME: the virtual interrupt flag"
    mov eax, 1
    cpuid
    test edx, 2
    jz .none
    ; CLI and STI change VIF, not IF, with IOPL 0
    V86 .cli, .cli_end, FL_1 | FL_VIF
    V86_FAULT VEC_GP, 0, 1
    mov eax, [caught.eflags]
    and eax, FL_VIF | FL_IF
    EXPECT_EQ eax, 0
    V86 .sti, .sti_end, FL_1
    V86_FAULT VEC_GP, 0, 1
    mov eax, [caught.eflags]
    and eax, FL_VIF | FL_IF
    EXPECT_EQ eax, FL_VIF
    ; POPF: IF of the image goes to VIF
    V86 .popf, .popf_end, FL_1
    V86_FAULT VEC_GP, 0, .popf_exit - .popf
    mov eax, [caught.eflags]
    and eax, FL_VIF | FL_IF | FL_CF | FL_IOPL
    EXPECT_EQ eax, FL_VIF | FL_CF
    ; a pending virtual interrupt: STI with VIP set is #GP(0), so that the monitor can deliver it
    V86 .sti, .sti_end, FL_1 | FL_VIP
    V86_FAULT VEC_GP, 0, 0
    ; the same for POPF and IRET that would turn it on
    V86 .popf, .popf_end, FL_1 | FL_VIP
    V86_FAULT VEC_GP, 0, .popf_at - .popf
    ; POPF with TF in the image: #GP(0)
    V86 .popf_tf, .popf_tf_end, FL_1
    V86_FAULT VEC_GP, 0, .popf_tf_at - .popf_tf
    ; the 32-bit forms are as without VME
    V86 .pushfd, .pushfd_end, FL_1
    V86_FAULT VEC_GP, 0, 0
    ; with IOPL 3, IF itself
    V86 .sti, .sti_end
    mov eax, [caught.eflags]
    and eax, FL_VIF | FL_IF
    EXPECT_EQ eax, FL_IF
    mov eax, cr4
    and eax, ~CR4_VME
    mov cr4, eax
.none:
    ret
bits 16
.cli:
    cli
    hlt
.cli_end:
.sti:
    sti
    hlt
.sti_end:
.popf:
    push word FL_IF | FL_CF
.popf_at:
    popf
.popf_exit:
    hlt
.popf_end:
.popf_tf:
    push word FL_TF
.popf_tf_at:
    popf
    hlt
.popf_tf_end:
.pushfd:
    pushfd
    hlt
.pushfd_end:
bits 32

KERNEL_END
