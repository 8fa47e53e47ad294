; privilege: the four rings. What ring 3 may not do, what EFLAGS and I/O permissions do there, call gates with their stack switch and
; parameter copy in both sizes, far returns and IRET outwards, conforming code, and SYSENTER/SYSEXIT.
;
; SDM volume 3A chapter 5, volume 1 chapter 19 (I/O permission bitmap), volume 2 CALL, RET, IRET, SYSENTER.

%include "kernel.inc"

SEL_CODE1 equ SEL_FREE | 1          ; ring 1, flat
SEL_DATA1 equ SEL_FREE + 0x08 | 1
GATE      equ SEL_FREE + 0x10       ; the gate under test
GATE2     equ SEL_FREE + 0x18
S0        equ SEL_FREE + 0x20
CONFORMING equ SEL_FREE + 0x28

section .bss
alignb 16
ring1_stack:    resb 1024
ring1_stack_top:
saved_esp:      resd 1
saved_regs:     resd 16
scratch:        resd 8
bitmap_tss:     resb 104
bitmap:         resb 0x100
section .text

main:
    SET_DESC SEL_CODE1, 0, 0xFFFFF, ACC_P | ACC_DPL1 | ACC_CODE | ACC_READ, DF_G | DF_B
    SET_DESC SEL_DATA1, 0, 0xFFFFF, ACC_P | ACC_DPL1 | ACC_DATA | ACC_WRITE, DF_G | DF_B
    SET_DESC CONFORMING, 0, 0xFFFFF, ACC_P | ACC_CODE | ACC_CONF | ACC_READ, DF_G | DF_B
    mov dword [tss + tss32.esp1], ring1_stack_top
    mov dword [tss + tss32.ss1], SEL_DATA1
    call privileged_instructions
    call unprivileged_instructions
    call eflags_in_ring_3
    call io_permission
    call gates_32
    call gates_16
    call gate_checks
    call stack_switch_checks
    call conforming
    call returns_outwards
    call return_checks
    call fast_system_calls
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; PRIVILEGED instruction: #GP(0) at CPL 3
%macro PRIVILEGED 1+.nolist
    USER %%code
    EXPECT_FAULT VEC_GP, 0, %%code
    jmp %%done
%%code:
    %1
    int USER_EXIT
%%done:
%endmacro
; ALLOWED instruction: runs at CPL 3
%macro ALLOWED 1+.nolist
    USER %%code
    EXPECT_FAULT USER_EXIT
    jmp %%done
%%code:
    %1
    int USER_EXIT
%%done:
%endmacro

privileged_instructions:
    GROUP "privileged instructions"
    PRIVILEGED hlt
    PRIVILEGED lgdt [scratch]
    PRIVILEGED lidt [scratch]
    PRIVILEGED lldt ax
    PRIVILEGED ltr ax
    PRIVILEGED lmsw ax
    PRIVILEGED clts
    PRIVILEGED invd
    PRIVILEGED wbinvd
    PRIVILEGED invlpg [scratch]
    PRIVILEGED mov eax, cr0
    PRIVILEGED mov cr0, eax
    PRIVILEGED mov eax, cr2
    PRIVILEGED mov cr3, eax
    PRIVILEGED mov eax, cr4
    PRIVILEGED mov eax, dr0
    PRIVILEGED mov dr7, eax
    PRIVILEGED rdmsr
    PRIVILEGED wrmsr
    PRIVILEGED sysexit
    ; ring 1 is no better: all of these want CPL 0
    TRY
    push dword SEL_DATA1
    push dword ring1_stack_top
    push dword FL_1
    push dword SEL_CODE1
    push dword .ring1
    iretd
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .ring1
    EXPECT_EQ [caught.cs], SEL_CODE1
    ret
.ring1:
    clts

unprivileged_instructions:
    GROUP "unprivileged looks at the system"
    ALLOWED sgdt [scratch]
    ALLOWED sidt [scratch]
    ALLOWED sldt [scratch]
    ALLOWED str eax
    EXPECT_EQ eax, SEL_TSS
    ALLOWED smsw eax
    ALLOWED verr ax
    ALLOWED {lar eax, ecx}
    ALLOWED cpuid
    ALLOWED rdtsc
    mov eax, cr4
    or eax, CR4_TSD
    mov cr4, eax
    PRIVILEGED rdtsc
    RUNS rdtsc                                  ; CR4.TSD concerns the outer rings
    mov eax, cr4
    and eax, ~(CR4_TSD | CR4_PCE)
    mov cr4, eax
    PRIVILEGED rdpmc
    ret

eflags_in_ring_3:
    GROUP "EFLAGS at CPL 3"
    ; CLI and STI want CPL <= IOPL; POPF does not fault but leaves IF and IOPL
    PRIVILEGED cli
    PRIVILEGED sti
    USER .popf, FL_1
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_NT
    USER .popf, FL_1 | FL_IF
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_NT | FL_IF
    ; with IOPL 3, IF follows and IOPL still does not
    USER .popf, FL_1 | FL_IOPL
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_NT | FL_IOPL | FL_IF
    USER .popf0, FL_1 | FL_IOPL | FL_IF
    EXPECT_EQ [caught.eflags], FL_1 | FL_IOPL
    USER .cli, FL_1 | FL_IOPL | FL_IF
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [caught.eflags], FL_1 | FL_IOPL
    USER .sti, FL_1 | FL_IOPL
    EXPECT_EQ [caught.eflags], FL_1 | FL_IOPL | FL_IF
    ; VIP, VIF and VM are out of POPF's reach; AC and ID are free
    USER .popf_high, FL_1
    EXPECT_EQ [caught.eflags], FL_1 | FL_AC | FL_ID
    ; IRET in ring 3 obeys the same rules
    USER .iret, FL_1
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF
    ; at CPL 0 POPF may change IF and IOPL, but neither VM nor VIF nor VIP
    push dword FL_1 | FL_IOPL | FL_VM | FL_VIF | FL_VIP | FL_RF
    popfd
    pushfd
    pop eax
    EXPECT_EQ eax, FL_1 | FL_IOPL
    push dword FL_1
    popfd
    ret
.popf:
    push dword FL_1 | FL_CF | FL_IF | FL_IOPL | FL_NT
    popfd
    int USER_EXIT
.popf0:
    push dword FL_1
    popfd
    int USER_EXIT
.popf_high:
    push dword FL_1 | FL_AC | FL_ID | FL_VM | FL_VIF | FL_VIP
    popfd
    int USER_EXIT
.cli:
    cli
    int USER_EXIT
.sti:
    sti
    nop
    int USER_EXIT
.iret:
    push dword FL_1 | FL_CF | FL_IF | FL_IOPL
    push cs
    push dword .iret_target
    iretd
.iret_target:
    int USER_EXIT

; ---------------------------------------------------------------------------------------------------------------------------------
; Ports 80h to 8Fh: 80h is the POST latch; the bitmap decides before the port is touched.
io_permission:
    GROUP "I/O permission"
    PRIVILEGED {in al, 0x80}
    PRIVILEGED {out 0x80, al}
    PRIVILEGED {in eax, dx}
    USER .in, FL_1 | FL_IOPL                    ; IOPL 3: everything is allowed
    EXPECT_FAULT USER_EXIT
    ; a TSS with a bitmap: a port is allowed when all of its bits are 0
    SET_DESC S0, bitmap_tss, 104 + 0x20 - 1, ACC_P | SYS_TSS32, 0
    mov dword [bitmap_tss + tss32.esp0], ring0_stack_top
    mov dword [bitmap_tss + tss32.ss0], SEL_DATA
    mov word [bitmap_tss + tss32.iomap], 104
    mov edi, bitmap
    mov ecx, 0x20
    mov al, 0xFF
    cld
    rep stosb
    mov ax, S0
    ltr ax
    mov byte [bitmap + 0x10], 0b11111110        ; port 80h
    USER .in
    EXPECT_FAULT USER_EXIT
    USER .in_word                               ; 80h and 81h
    EXPECT_FAULT VEC_GP, 0, .in_word_at
    mov byte [bitmap + 0x10], 0b11111100
    USER .in_word
    EXPECT_FAULT USER_EXIT
    USER .in_dword
    EXPECT_FAULT VEC_GP, 0, .in_dword_at
    mov byte [bitmap + 0x10], 0b11110000
    USER .in_dword
    EXPECT_FAULT USER_EXIT
    USER .outsb
    EXPECT_FAULT USER_EXIT
    ; bits of two bytes: ports 87h and 88h
    mov byte [bitmap + 0x10], 0x7F
    mov byte [bitmap + 0x11], 0xFE
    USER .in_87
    EXPECT_FAULT USER_EXIT
    mov byte [bitmap + 0x11], 0xFF
    USER .in_87
    EXPECT_FAULT VEC_GP, 0, .in_87_at
    ; The limit: the CPU always reads two bytes. The last byte of the map is at the limit, so ports F8h to FFh are out of reach
    ; although their bits are inside.
    mov byte [bitmap + 0x1F], 0
    mov byte [bitmap + 0x1E], 0
    USER .in_f6
    EXPECT_FAULT USER_EXIT
    USER .in_f8
    EXPECT_FAULT VEC_GP, 0, .in_f8_at
    ; a map that begins beyond the limit allows nothing
    mov word [bitmap_tss + tss32.iomap], 104 + 0x20
    USER .in_f6
    EXPECT_FAULT VEC_GP, 0, .in_f6_at
    ; back to the usual TSS
    mov byte [gdt + SEL_TSS + 5], ACC_P | SYS_TSS32
    mov ax, SEL_TSS
    ltr ax
    ret
.in:
    in al, 0x80
    int USER_EXIT
.in_word:
    mov dx, 0x80
.in_word_at:
    in ax, dx
    int USER_EXIT
.in_dword:
    mov dx, 0x80
.in_dword_at:
    in eax, dx
    int USER_EXIT
.outsb:
    mov dx, 0x80
    mov esi, scratch
    outsb
    int USER_EXIT
.in_87:
    mov dx, 0x87
.in_87_at:
    in ax, dx
    int USER_EXIT
.in_f6:
.in_f6_at:
    in al, 0xF6
    int USER_EXIT
.in_f8:
.in_f8_at:
    in al, 0xF8
    int USER_EXIT

; ---------------------------------------------------------------------------------------------------------------------------------
; Call gates. The target notes what it sees in `saved_regs` and goes back.
section .text
gate_target:                                    ; 32-bit, four dwords of parameters
    mov [saved_esp], esp
    push eax
    mov eax, cs
    mov [saved_regs], eax
    mov eax, ss
    mov [saved_regs + 4], eax
    mov eax, [esp + 4]
    mov [saved_regs + 8], eax                   ; return EIP
    mov eax, [esp + 8]
    mov [saved_regs + 12], eax                  ; return CS
    mov eax, [esp + 12]
    mov [saved_regs + 16], eax                  ; parameters, first is the last pushed
    mov eax, [esp + 24]
    mov [saved_regs + 20], eax
    mov eax, [esp + 28]
    mov [saved_regs + 24], eax                  ; outer ESP
    mov eax, [esp + 32]
    mov [saved_regs + 28], eax                  ; outer SS
    pop eax
    retf 16

gate_target_0:                                  ; no parameters
    mov [saved_esp], esp
    push eax
    mov eax, cs
    mov [saved_regs], eax
    mov eax, ss
    mov [saved_regs + 4], eax
    pop eax
    retf

gates_32:
    GROUP "32-bit call gates"
    SET_CALL_GATE GATE, SEL_CODE, gate_target, ACC_P | ACC_DPL3 | SYS_CALL32, 4
    SET_CALL_GATE GATE2, SEL_CODE, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .user
    EXPECT_FAULT USER_EXIT, 0, .user_end
    EXPECT_EQ [saved_regs], SEL_CODE            ; RPL 0: CPL is in CS
    EXPECT_EQ [saved_regs + 4], SEL_DATA
    EXPECT_EQ [saved_regs + 8], .user_back
    EXPECT_EQ [saved_regs + 12], SEL_UCODE
    EXPECT_EQ [saved_regs + 16], 0x44444444
    EXPECT_EQ [saved_regs + 20], 0x11111111
    EXPECT_EQ [saved_regs + 24], user_stack_top - 16    ; outer ESP as it was before the call
    EXPECT_EQ [saved_regs + 28], SEL_UDATA
    EXPECT_EQ [saved_esp], ring0_stack_top - 4 * 8
    ; RETF 16 dropped the parameters from both stacks
    EXPECT_EQ [caught.esp], user_stack_top
    ; without parameters
    USER .user_0
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [saved_esp], ring0_stack_top - 16
    EXPECT_EQ [caught.esp], user_stack_top
    ; to ring 1: the TSS has a stack for it
    SET_CALL_GATE GATE2, SEL_CODE1 & ~3, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .user_0
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [saved_regs], SEL_CODE1
    EXPECT_EQ [saved_regs + 4], SEL_DATA1
    EXPECT_EQ [saved_esp], ring1_stack_top - 16
    ; same ring: no switch, and the count is ignored; the offset of the CALL instruction itself is too
    SET_CALL_GATE GATE2, SEL_CODE, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 4
    mov ebx, esp
    call GATE2:0xDEADBEEF
    EXPECT_EQ esp, ebx
    sub ebx, [saved_esp]
    EXPECT_EQ ebx, 8
    ; JMP through a gate stays in the ring
    SET_CALL_GATE GATE2, SEL_CODE, .jumped, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    mov ebx, esp
    jmp GATE2:0
.jumped:
    EXPECT_EQ esp, ebx
    ; indirect through memory
    SET_CALL_GATE GATE2, SEL_CODE, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    mov dword [scratch], 0
    mov word [scratch + 4], GATE2
    mov ebx, esp
    call far [scratch]
    EXPECT_EQ esp, ebx
    ret
.user:
    push dword 0x11111111
    push dword 0x22222222
    push dword 0x33333333
    push dword 0x44444444
    call GATE | 3:0
.user_back:
    int USER_EXIT
.user_end:
.user_0:
    call GATE2 | 3:0
    int USER_EXIT

gates_16:
    GROUP "16-bit call gates"
    ; Everything is pushed and copied in words; the offset has 16 bits, so the target must lie in the first 64 KiB of its segment:
    ; a code segment of base `target` serves.
    SET_DESC S0, .target, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B
    mov dword [gdt + GATE], S0 << 16            ; offset 0
    mov dword [gdt + GATE + 4], 0xFFFF0000 | (ACC_P | ACC_DPL3 | SYS_CALL16) << 8 | 2   ; the upper 16 bits are not an offset here
    ; the outer frame holds 16 bits of ESP and EIP only: the user stack and the code that returns must be low
    mov edi, 0x5000
    mov esi, .user
    mov ecx, .user_end - .user
    cld
    rep movsb
    TRY
    mov ax, SEL_UDATA
    mov ds, ax
    mov es, ax
    push dword SEL_UDATA
    push dword 0x6000
    push dword FL_1
    push dword SEL_UCODE
    push dword 0x5000
    iretd
    END_TRY
    EXPECT_FAULT USER_EXIT, 0, 0x5000 + .user_end - .user
    EXPECT_EQ [saved_esp], ring0_stack_top - 12
    EXPECT_EQ [saved_regs], (SEL_UCODE << 16) | (0x5000 + .user_back - .user)
    EXPECT_EQ [saved_regs + 4], 0x11112222
    EXPECT_EQ [saved_regs + 8], (SEL_UDATA << 16) | (0x6000 - 4)
    EXPECT_EQ [caught.esp], 0x6000
    ret
.target:
    mov [saved_esp], esp
    push eax
    mov eax, [esp + 4]
    mov [saved_regs], eax
    mov eax, [esp + 8]
    mov [saved_regs + 4], eax
    mov eax, [esp + 12]
    mov [saved_regs + 8], eax
    pop eax
    o16 retf 4
.user:
    push word 0x1111
    push word 0x2222
    call GATE | 3:0
.user_back:
    int USER_EXIT
.user_end:

gate_checks:
    GROUP "checks of a call gate"
    SET_CALL_GATE GATE, SEL_CODE, gate_target_0, ACC_P | SYS_CALL32, 0          ; DPL 0: not for ring 3
    USER .call
    EXPECT_FAULT VEC_GP, GATE, .call
    ; ... and not for RPL 3 in ring 0
    FAULTS VEC_GP, GATE, call GATE | 3:0
    SET_CALL_GATE GATE, SEL_CODE, gate_target_0, ACC_DPL3 | SYS_CALL32, 0       ; P = 0
    USER .call
    EXPECT_FAULT VEC_NP, GATE, .call
    SET_CALL_GATE GATE, SEL_CODE, gate_target_0, SYS_CALL32, 0                  ; privilege before presence
    USER .call
    EXPECT_FAULT VEC_GP, GATE, .call
    SET_CALL_GATE GATE, 0, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .call
    EXPECT_FAULT VEC_GP, 0, .call
    SET_CALL_GATE GATE, SEL_DATA, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .call
    EXPECT_FAULT VEC_GP, SEL_DATA, .call
    SET_CALL_GATE GATE, SEL_UCODE, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0  ; outwards
    FAULTS VEC_GP, SEL_UCODE & ~3, call GATE:0
    SET_DESC S0, 0, 0xFFFFF, ACC_CODE | ACC_READ, DF_G | DF_B
    SET_CALL_GATE GATE, S0, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .call
    EXPECT_FAULT VEC_NP, S0, .call
    ; the RPL of the selector in the gate does not matter
    SET_CALL_GATE GATE, SEL_CODE | 3, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    USER .call
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [saved_regs], SEL_CODE
    ; JMP cannot go inwards
    USER .jmp
    EXPECT_FAULT VEC_GP, SEL_CODE, .jmp
    ; an interrupt gate or a TSS that is busy is no target
    mov byte [gdt + GATE + 5], ACC_P | ACC_DPL3 | SYS_INT32
    USER .call
    EXPECT_FAULT VEC_GP, GATE, .call
    ret
.call:
    call GATE | 3:0
    int USER_EXIT
.jmp:
    jmp GATE | 3:0

stack_switch_checks:
    GROUP "checks of the new stack"
    ; A gate to ring 1 whose stack in the TSS is wrong: #TS with the stack's selector. The handler of that runs in ring 0, unharmed.
    SET_CALL_GATE GATE, SEL_CODE1, gate_target_0, ACC_P | ACC_DPL3 | SYS_CALL32, 0
    mov dword [tss + tss32.ss1], 0
    USER .call
    EXPECT_FAULT VEC_TS, 0, .call
    mov dword [tss + tss32.ss1], GDT_ENTRIES * 8 + 1
    USER .call
    EXPECT_FAULT VEC_TS, GDT_ENTRIES * 8, .call
    mov dword [tss + tss32.ss1], SEL_DATA               ; RPL 0
    USER .call
    EXPECT_FAULT VEC_TS, SEL_DATA, .call
    mov dword [tss + tss32.ss1], SEL_DATA | 1           ; DPL 0
    USER .call
    EXPECT_FAULT VEC_TS, SEL_DATA, .call
    mov dword [tss + tss32.ss1], SEL_CODE1              ; code
    USER .call
    EXPECT_FAULT VEC_TS, SEL_CODE1 & ~3, .call
    mov byte [gdt + (SEL_DATA1 & ~3) + 5], ACC_DPL1 | ACC_DATA | ACC_WRITE
    mov dword [tss + tss32.ss1], SEL_DATA1
    USER .call
    EXPECT_FAULT VEC_SS, SEL_DATA1 & ~3, .call          ; not present: #SS
    mov byte [gdt + (SEL_DATA1 & ~3) + 5], ACC_P | ACC_DPL1 | ACC_DATA | ACC_WRITE
    ; nothing of ring 3's state was lost in all this
    EXPECT_EQ [caught.cs], SEL_UCODE
    EXPECT_EQ [caught.ss], SEL_UDATA
    EXPECT_EQ [caught.esp], user_stack_top
    ; a TSS too short to hold the stack of ring 1: #TS with the TSS's selector
    SET_DESC S0, tss, tss32.ss1 - 1, ACC_P | SYS_TSS32, 0
    mov ax, S0
    ltr ax
    USER .call
    EXPECT_FAULT VEC_TS, S0, .call
    mov byte [gdt + SEL_TSS + 5], ACC_P | SYS_TSS32
    mov ax, SEL_TSS
    ltr ax
    USER .call
    EXPECT_FAULT USER_EXIT
    ret
.call:
    call GATE | 3:0
    int USER_EXIT

conforming:
    GROUP "conforming code"
    ; ring 3 may call conforming code of ring 0, directly, and stays in ring 3 on its own stack
    USER .direct
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ ecx, CONFORMING | 3
    EXPECT_EQ edx, SEL_UDATA
    ; the same through a gate
    SET_CALL_GATE GATE, CONFORMING, .target, ACC_P | ACC_DPL3 | SYS_CALL32, 3
    USER .gate
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ ecx, CONFORMING | 3
    EXPECT_EQ [caught.esp], user_stack_top
    ret
.direct:
    call CONFORMING:.target
    int USER_EXIT
.gate:
    call GATE | 3:0
    int USER_EXIT
.target:
    mov ecx, cs
    mov edx, ss
    retf

; ---------------------------------------------------------------------------------------------------------------------------------
returns_outwards:
    GROUP "returns to an outer ring"
    ; Data segment registers that the outer ring could not have loaded are made null; others stay.
    TRY
    mov ax, SEL_UDATA
    mov ds, ax
    mov ax, SEL_DATA
    mov es, ax                          ; DPL 0: goes
    mov ax, SEL_UCODE
    mov fs, ax                          ; readable code of DPL 3: stays
    mov ax, CONFORMING
    mov gs, ax                          ; conforming code of DPL 0: stays
    push dword SEL_UDATA
    push dword user_stack_top
    push dword 0xAAAAAAAA               ; dropped by RETF 4
    push dword SEL_UCODE
    push dword .user
    retf 4
    END_TRY
    EXPECT_FAULT USER_EXIT, 0, .user_end
    EXPECT_EQ [caught + frame.ds], SEL_UDATA
    EXPECT_EQ [caught + frame.es], 0
    EXPECT_EQ [caught + frame.fs], SEL_UCODE
    EXPECT_EQ [caught + frame.gs], CONFORMING
    EXPECT_EQ [caught.esp], user_stack_top + 4  ; RETF n releases n bytes of the outer stack, too
    ; IRET does the same
    TRY
    mov ax, SEL_DATA
    mov fs, ax
    mov ax, SEL_UDATA
    mov gs, ax
    push dword SEL_UDATA
    push dword user_stack_top
    push dword FL_1 | FL_CF | FL_IOPL
    push dword SEL_UCODE
    push dword .user
    iretd
    END_TRY
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [caught + frame.fs], 0
    EXPECT_EQ [caught + frame.gs], SEL_UDATA
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_IOPL
    ; to ring 1 and from there to ring 3
    TRY
    push dword SEL_DATA1
    push dword ring1_stack_top
    push dword SEL_CODE1
    push dword .ring1
    retf
    END_TRY
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [caught.cs], SEL_UCODE
    ret
.user:
    int USER_EXIT
.user_end:
.ring1:
    push dword SEL_UDATA
    push dword user_stack_top
    push dword SEL_UCODE
    push dword .user
    retf

return_checks:
    GROUP "checks of returns"
    ; inwards: never
    USER .retf_in
    EXPECT_FAULT VEC_GP, SEL_CODE, .retf_in_at
    USER .iret_in
    EXPECT_FAULT VEC_GP, SEL_CODE, .iret_in_at
    ; a null or wrong stack for the outer ring
    TRY
    push dword 0
    push dword user_stack_top
    push dword SEL_UCODE
    push dword .nowhere
.retf1:
    retf
    END_TRY
    EXPECT_FAULT VEC_GP, 0, .retf1
    TRY
    push dword SEL_DATA                 ; RPL is not that of the new CS
    push dword user_stack_top
    push dword FL_1
    push dword SEL_UCODE
    push dword .nowhere
.iret2:
    iretd
    END_TRY
    EXPECT_FAULT VEC_GP, SEL_DATA, .iret2
    EXPECT_EQ [caught.cs], SEL_CODE     ; still in ring 0 when it faults, with the frame still on the stack
    mov eax, [catch_esp]
    sub eax, 20 + 16                    ; the frame of the IRET, and of the fault
    EXPECT_EQ [caught.esp_handler], eax
    ; CS of DPL 3 with RPL 0
    TRY
    push dword FL_1
    push dword SEL_UCODE & ~3
    push dword .nowhere
.iret3:
    iretd
    END_TRY
    EXPECT_FAULT VEC_GP, SEL_UCODE & ~3, .iret3
    ret
.retf_in:
    push dword SEL_CODE
    push dword .nowhere
.retf_in_at:
    retf
.iret_in:
    push dword FL_1
    push dword SEL_CODE
    push dword .nowhere
.iret_in_at:
    iretd
.nowhere:
    ud2

; ---------------------------------------------------------------------------------------------------------------------------------
fast_system_calls:
    GROUP "SYSENTER, SYSEXIT"
    ; SEL_CODE, SEL_DATA, SEL_UCODE, SEL_UDATA stand in the order that these two instructions assume
    xor edx, edx
    xor eax, eax
    mov ecx, MSR_SYSENTER_CS
    wrmsr
    USER .enter
    EXPECT_FAULT VEC_GP, 0, .enter              ; null CS
    mov ecx, 1
    FAULTS VEC_GP, 0, sysexit
    xor edx, edx
    mov eax, SEL_CODE
    mov ecx, MSR_SYSENTER_CS
    wrmsr
    mov eax, ring0_stack_top - 64
    mov ecx, MSR_SYSENTER_ESP
    wrmsr
    mov eax, .kernel
    mov ecx, MSR_SYSENTER_EIP
    wrmsr
    USER .enter, FL_1 | FL_IF | FL_CF | FL_IOPL
    EXPECT_FAULT USER_EXIT, 0, .exit_end
    EXPECT_EQ [saved_regs], SEL_CODE
    EXPECT_EQ [saved_regs + 4], SEL_DATA
    EXPECT_EQ [saved_esp], ring0_stack_top - 64
    mov eax, [saved_regs + 8]
    EXPECT_EQ eax, FL_1 | FL_CF | FL_IOPL       ; IF cleared, the rest kept
    EXPECT_EQ [caught.cs], SEL_UCODE
    EXPECT_EQ [caught.ss], SEL_UDATA
    EXPECT_EQ [caught.esp], user_stack_top - 128
    ; The segments come from no descriptor: SYSEXIT works although the GDT says that the user's stack is not present.
    TRY
    and byte [gdt + (SEL_UDATA & ~3) + 5], ~ACC_P
    mov edx, .exit
    mov ecx, user_stack_top - 128
    sysexit
    END_TRY
    or byte [gdt + (SEL_UDATA & ~3) + 5], ACC_P
    EXPECT_FAULT USER_EXIT, 0, .exit_end
    mov ecx, MSR_SYSENTER_EIP
    rdmsr
    EXPECT_EQ eax, .kernel
    EXPECT_EQ edx, 0
    ret
.enter:
    sysenter
.kernel:
    mov [saved_esp], esp
    mov esp, ring0_stack_top
    pushfd
    pop dword [saved_regs + 8]
    mov eax, cs
    mov [saved_regs], eax
    mov eax, ss
    mov [saved_regs + 4], eax
    mov edx, .exit
    mov ecx, user_stack_top - 128
    sysexit
.exit:
    int USER_EXIT
.exit_end:

KERNEL_END
