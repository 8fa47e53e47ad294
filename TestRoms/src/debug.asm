; debug: the debug registers and single stepping. Breakpoints on code, data and I/O, what DR6 says, general detect, RF; the trap flag over
; every kind of instruction that treats it specially.
;
; SDM volume 3A chapter 17. Bits 0 to 3 of DR6 may be set for conditions that are not enabled, so they are only checked for enabled ones.

%include "kernel.inc"

DR6_BD equ 1 << 13
DR6_BS equ 1 << 14
DR6_BT equ 1 << 15
DR6_FIXED equ 0xFFFF0FF0
; DR7 for breakpoint n
%define L(n) (1 << ((n) * 2))
%define G(n) (2 << ((n) * 2))
%define RW(n, rw) ((rw) << (16 + (n) * 4))
%define LEN(n, length) (((length) - 1) << (18 + (n) * 4))
EXECUTE equ 0
WRITE   equ 1
IO      equ 2
ACCESS  equ 3
DR7_GD  equ 1 << 13

S0 equ SEL_FREE

section .bss
alignb 16
watched:        resd 4
other:          resd 4
steps:          resd 1
step_log:       resd 64         ; EIP of each trap
log_ecx:        resd 64
log_dr6:        resd 64
spare_stack:    resb 512
spare_stack_top:
section .text

main:
    call registers
    call code_breakpoints
    call resume_flag
    call data_breakpoints
    call data_in_strings
    call io_breakpoints
    call general_detect
    call single_step
    call step_special
    call combined
    ret

%macro SET_DR 2
    push eax
    mov eax, %2
    mov dr%1, eax
    pop eax
%endmacro
%macro CLEAR_DR 0
    push eax
    xor eax, eax
    mov dr7, eax
    mov dr6, eax
    pop eax
%endmacro
; EXPECT_DR6 bits: the causes in DR6
%macro EXPECT_DR6 1-2.nolist 0xE00F
    push eax
    mov eax, dr6
    and eax, %2
    EXPECT_EQ eax, %1
    pop eax
%endmacro
; NO_BREAK instruction
%macro NO_BREAK 1+.nolist
    TRY
    %1
    nop
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
%endmacro
; BREAKS bits, instruction: a trap behind the instruction
%macro BREAKS 2+.nolist
    SET_DR 6, 0
    TRY
    %2
%%after:
    nop
    END_TRY
    EXPECT_FAULT VEC_DB, 0, %%after
    EXPECT_DR6 %1
%endmacro

; ---------------------------------------------------------------------------------------------------------------------------------
registers:
    GROUP "debug registers"
    CLEAR_DR
    mov eax, dr7
    EXPECT_EQ eax, 0x400
    mov eax, dr6
    EXPECT_EQ eax, DR6_FIXED
    SET_DR 0, 0x12345678
    SET_DR 1, 0xFFFFFFFF
    SET_DR 2, 0
    SET_DR 3, 0x80000001
    mov eax, dr0
    EXPECT_EQ eax, 0x12345678
    mov eax, dr1
    EXPECT_EQ eax, 0xFFFFFFFF
    mov eax, dr3
    EXPECT_EQ eax, 0x80000001
    SET_DR 6, 0xE00F
    mov eax, dr6
    and eax, 0xE00F
    EXPECT_EQ eax, 0xE00F
    ; DR4 and DR5 are DR6 and DR7, unless CR4.DE says that they are not there
    mov eax, cr4
    and eax, ~CR4_DE
    mov cr4, eax
    TRY
    db 0x0F, 0x21, 0xE0                         ; mov eax, dr4
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    and eax, 0xE00F
    EXPECT_EQ eax, 0xE00F
    TRY
    db 0x0F, 0x21, 0xE8                         ; mov eax, dr5
    END_TRY
    EXPECT_EQ eax, 0x400
    mov eax, cr4
    or eax, CR4_DE
    mov cr4, eax
    FAULTS VEC_UD, 0, {db 0x0F, 0x21, 0xE0}
    FAULTS VEC_UD, 0, {db 0x0F, 0x23, 0xE8}
    mov eax, cr4
    and eax, ~CR4_DE
    mov cr4, eax
    CLEAR_DR
    ret

code_breakpoints:
    GROUP "code breakpoints"
    ; a fault: before the instruction
    SET_DR 0, .target
    SET_DR 7, L(0)
    SET_DR 6, 0
    mov ecx, 1
    TRY
    nop
.target:
    mov ecx, 2
    nop
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .target
    EXPECT_EQ ecx, 1
    EXPECT_DR6 1
    ; Every other fault pushes RF = 1. This one pushes 0 (volume 3B 17.3.1.1): to go on, the handler has to set it.
    mov eax, [caught.eflags]
    and eax, FL_RF
    EXPECT_EQ eax, 0
    ; global enable does the same
    SET_DR 7, G(0)
    SET_DR 6, 0
    TRY
    jmp .target
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .target
    ; the address must be that of the first byte, prefixes included
    SET_DR 0, .target + 1
    TRY
    jmp .no_hit
.no_hit:
    mov ecx, 3
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    SET_DR 0, .prefixed
    TRY
.prefixed:
    es lodsb
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .prefixed
    ; two at one instruction
    SET_DR 0, .target
    SET_DR 3, .target
    SET_DR 7, L(0) | L(3)
    SET_DR 6, 0
    TRY
    jmp .target
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .target
    EXPECT_DR6 9
    ; before every other exception of the instruction
    SET_DR 0, .undefined
    SET_DR 7, L(0)
    TRY
.undefined:
    ud2
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .undefined
    ; the linear address counts, not the offset
    SET_DESC S0, 0x1000, 0xFFFFF, ACC_P | ACC_CODE | ACC_READ, DF_G | DF_B
    SET_DR 0, .based
    TRY
    jmp S0:.based - 0x1000
.based:
    nop
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .based - 0x1000
    ; data accesses to the place do not matter
    SET_DR 0, watched
    NO_BREAK mov dword [watched], 1
    CLEAR_DR
    ret

resume_flag:
    GROUP "RF"
    ; the handler sets RF in the frame: the instruction is executed without a break, and only that one
    mov dword [hooks + VEC_DB * 4], log_trap
    mov dword [steps], 0
    SET_DR 0, .loop
    SET_DR 7, L(0)
    mov ecx, 3
.loop:
    dec ecx
    jnz .loop
    EXPECT_EQ [steps], 3                        ; once for each time round
    EXPECT_EQ [step_log + 8], .loop
    ; IRET with RF set by hand
    mov dword [steps], 0
    push dword FL_1 | FL_RF
    push cs
    push dword .loop2
    SET_DR 0, .loop2
    iretd
.loop2:
    nop
    EXPECT_EQ [steps], 0
    ; POPF and the flag image of PUSHF do not know RF
    pushfd
    pop eax
    and eax, FL_RF
    EXPECT_EQ eax, 0
    CLEAR_DR
    mov dword [hooks + VEC_DB * 4], 0
    ret

; log_trap: a hook for #DB; EBX is the frame. Sets RF, which the return from a code breakpoint needs and a trap does not mind.
log_trap:
    or dword [ebx + frame.eflags], FL_RF
    mov ecx, [steps]
    cmp ecx, 64
    jae .full
    mov eax, [ebx + frame.eip]
    mov [step_log + ecx * 4], eax
    mov eax, [ebx + frame.ecx]
    mov [log_ecx + ecx * 4], eax
    mov eax, dr6
    and eax, 0xE00F
    mov [log_dr6 + ecx * 4], eax
.full:
    inc dword [steps]
    xor eax, eax
    mov dr6, eax
    ret

data_breakpoints:
    GROUP "data breakpoints"
    ; traps: after the instruction
    SET_DR 0, watched
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 4)
    BREAKS 1, mov dword [watched], 0x55
    EXPECT_EQ [watched], 0x55
    BREAKS 1, mov byte [watched + 3], 1
    BREAKS 1, mov word [watched + 2], 1
    BREAKS 1, mov word [watched - 1], 1         ; overlaps by one byte
    BREAKS 1, mov dword [watched - 3], 1
    NO_BREAK mov dword [watched - 4], 1
    NO_BREAK mov dword [watched + 4], 1
    NO_BREAK mov eax, [watched]
    BREAKS 1, inc dword [watched]
    BREAKS 1, xchg [watched], eax
    BREAKS 1, {fst qword [watched - 4]}
    NO_BREAK test [watched], eax
    ; reads as well
    SET_DR 7, L(0) | RW(0, ACCESS) | LEN(0, 4)
    BREAKS 1, mov eax, [watched]
    BREAKS 1, mov al, [watched + 3]
    BREAKS 1, mov [watched], eax
    BREAKS 1, push dword [watched]              ; (the catcher restores ESP)
    NO_BREAK lea eax, [watched]
    ; lengths
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 1)
    BREAKS 1, mov byte [watched], 0
    NO_BREAK mov byte [watched + 1], 0
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 2)
    BREAKS 1, mov byte [watched + 1], 0
    NO_BREAK mov byte [watched + 2], 0
    ; the address is aligned down to the length: 2-byte breakpoint at an odd address covers the even one below
    SET_DR 0, watched + 1
    BREAKS 1, mov byte [watched], 0
    NO_BREAK mov byte [watched + 2], 0
    ; two, and one instruction that hits both
    SET_DR 0, watched
    SET_DR 2, watched + 4
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 4) | G(2) | RW(2, WRITE) | LEN(2, 4)
    BREAKS 5, {fst qword [watched]}
    BREAKS 4, mov dword [watched + 4], 0
    ; a store by CALL, on a stack that nothing else uses
    SET_DR 1, spare_stack_top - 4
    SET_DR 7, L(1) | RW(1, WRITE) | LEN(1, 4)
    SET_DR 6, 0
    TRY
    mov esp, spare_stack_top
    call .callee
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .callee
    EXPECT_DR6 2
    ; an instruction that faults does not report its data
    SET_DR 0, watched
    SET_DR 7, L(0) | RW(0, ACCESS) | LEN(0, 4)
    SET_DR 6, 0
    mov dword [other], 0
    mov edx, 1
    FAULTS VEC_DE, 0, div dword [other]
    CLEAR_DR
    ret
.callee:
    ret

data_in_strings:
    GROUP "data breakpoints in REP"
    ; a trap after the iteration that hit: EIP is that of the instruction while more is to do
    mov dword [hooks + VEC_DB * 4], log_trap
    mov dword [steps], 0
    SET_DR 0, watched + 4
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 4)
    mov edi, watched
    mov ecx, 4
    mov eax, 0x22222222
    cld
.rep:
    rep stosd
.after:
    nop
    EXPECT_EQ [steps], 1
    EXPECT_EQ [step_log], .rep
    EXPECT_EQ [log_ecx], 2
    EXPECT_EQ [watched + 12], 0x22222222
    ; the last iteration: EIP is behind it
    mov dword [steps], 0
    SET_DR 0, watched + 12
    mov edi, watched
    mov ecx, 4
.rep2:
    rep stosd
.after2:
    nop
    EXPECT_EQ [steps], 1
    EXPECT_EQ [step_log], .after2
    EXPECT_EQ [log_ecx], 0
    CLEAR_DR
    mov dword [hooks + VEC_DB * 4], 0
    ret

io_breakpoints:
    GROUP "I/O breakpoints"
    mov eax, cr4
    or eax, CR4_DE
    mov cr4, eax
    SET_DR 1, 0x80
    SET_DR 7, L(1) | RW(1, IO) | LEN(1, 1)
    BREAKS 2, out 0x80, al
    BREAKS 2, in al, 0x80
    NO_BREAK in al, 0x81
    mov dx, 0x80
    BREAKS 2, {out dx, eax}
    mov dx, 0x7E
    BREAKS 2, {in eax, dx}                      ; ports 7Eh to 81h
    mov dx, 0x80
    mov esi, other
    BREAKS 2, outsb
    ; memory at address 80h is something else
    NO_BREAK mov byte [0x80], 0
    SET_DR 7, 0
    mov eax, cr4
    and eax, ~CR4_DE
    mov cr4, eax
    CLEAR_DR
    ret

general_detect:
    GROUP "general detect"
    ; DR7.GD: any access to a debug register is a fault, and the handler finds GD cleared
    SET_DR 6, 0
    SET_DR 7, DR7_GD
    TRY
.move:
    mov eax, dr0
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .move
    EXPECT_DR6 DR6_BD
    mov eax, dr7
    EXPECT_EQ eax, 0x400
    SET_DR 6, 0
    SET_DR 7, DR7_GD
    TRY
.move7:
    mov dr7, eax
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .move7
    EXPECT_DR6 DR6_BD
    CLEAR_DR
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; STEP_ON sets TF with POPF: the trap comes after the instruction that follows.
%macro STEP_ON 0
    push dword FL_1 | FL_TF
    popfd
%endmacro

single_step:
    GROUP "single step"
    SET_DR 6, 0
    TRY
    STEP_ON
    nop
.one:
    nop
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .one
    EXPECT_DR6 DR6_BS
    mov eax, [caught.eflags]
    and eax, FL_TF | FL_RF
    EXPECT_EQ eax, FL_TF                        ; a trap: no RF; TF as it was
    ; a run: one trap an instruction, jumps land where they should
    mov dword [hooks + VEC_DB * 4], log_trap
    mov dword [steps], 0
    STEP_ON
    mov eax, 1
.s0:
    jmp .s1
    nop
.s1:
    call .sub
.s2:
    push dword FL_1
    popfd                                       ; clears TF, and is still followed by a trap: TF was on when it began
.s3:
    nop
    EXPECT_EQ [step_log], .s0
    EXPECT_EQ [step_log + 4], .s1
    EXPECT_EQ [step_log + 8], .sub
    EXPECT_EQ [step_log + 12], .s2
    EXPECT_EQ [step_log + 20], .s3
    EXPECT_EQ [steps], 6
    EXPECT_EQ [log_dr6], DR6_BS
    ; REP: a trap after each iteration
    mov dword [steps], 0
    mov edi, watched
    mov ecx, 3
    STEP_ON
.rep:
    rep stosd
.rep_after:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .rep
    EXPECT_EQ [log_ecx], 2
    EXPECT_EQ [step_log + 4], .rep
    EXPECT_EQ [log_ecx + 4], 1
    EXPECT_EQ [step_log + 8], .rep_after
    EXPECT_EQ [log_ecx + 8], 0
    EXPECT_EQ [steps], 5
    ; a faulting instruction: the fault is taken, with TF in its frame and TF off in the handler
    mov dword [hooks + VEC_DB * 4], 0
    SET_DR 6, 0
    TRY
    STEP_ON
.ud:
    ud2
    END_TRY
    EXPECT_FAULT VEC_UD, 0, .ud
    mov eax, [caught.eflags]
    and eax, FL_TF
    EXPECT_EQ eax, FL_TF
    ; PUSHF stores TF
    mov dword [hooks + VEC_DB * 4], log_trap
    STEP_ON
    pushfd
    pop eax
    push dword FL_1
    popfd
    nop
    and eax, FL_TF
    EXPECT_EQ eax, FL_TF
    mov dword [hooks + VEC_DB * 4], 0
    CLEAR_DR
    ret
.sub:
    ret

step_special:
    GROUP "single step: INT, IRET, MOV SS, STI"
    mov dword [hooks + VEC_DB * 4], log_trap
    ; INT n clears TF for the handler and makes no trap; the IRET brings TF back, the trap comes after the instruction it returns to
    mov dword [hooks + 0x90 * 4], .nothing
    mov dword [steps], 0
    STEP_ON
    int 0x90
.int_after:
    nop
.int_after2:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .int_after2
    EXPECT_EQ [steps], 3
    ; MOV SS holds the trap for one instruction
    mov dword [steps], 0
    mov ax, ss
    STEP_ON
    mov ss, ax
    mov ecx, ecx
.ss_after:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .ss_after
    EXPECT_EQ [steps], 3
    mov dword [steps], 0
    push ss
    STEP_ON
    pop ss                                      ; pops what STEP_ON left: the selector pushed above
    mov ecx, ecx
.pop_after:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .pop_after
    EXPECT_EQ [steps], 3
    ; STI holds interrupts, not traps
    mov dword [steps], 0
    STEP_ON
    sti
.sti_after:
    cli
.cli_after:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .sti_after
    EXPECT_EQ [step_log + 4], .cli_after
    EXPECT_EQ [steps], 4
    ; IRET that sets TF
    mov dword [steps], 0
    push dword FL_1 | FL_TF
    push cs
    push dword .iret_target
    iretd
.iret_target:
    nop
.iret_after:
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [step_log], .iret_after
    EXPECT_EQ [steps], 3
    mov dword [hooks + 0x90 * 4], 0
    mov dword [hooks + VEC_DB * 4], 0
    ; INT1 is not single step: DR6 says nothing
    SET_DR 6, 0
    TRY
    db 0xF1
    END_TRY
    EXPECT_FAULT VEC_DB
    EXPECT_DR6 0, DR6_BS | DR6_BD
    CLEAR_DR
.nothing:
    ret

combined:
    GROUP "several causes at once"
    mov dword [hooks + VEC_DB * 4], log_trap
    ; step and data: one exception, both bits
    mov dword [steps], 0
    SET_DR 0, watched
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 4)
    STEP_ON
    mov dword [watched], 1
    push dword FL_1
    popfd
    nop
    EXPECT_EQ [log_dr6], DR6_BS | 1
    EXPECT_EQ [steps], 3
    ; the processor sets bits of DR6 and never clears them
    mov dword [hooks + VEC_DB * 4], 0
    SET_DR 7, L(0) | RW(0, WRITE) | LEN(0, 4)
    SET_DR 6, 8 | DR6_BS
    TRY
    mov dword [watched], 1
    nop
    END_TRY
    EXPECT_DR6 DR6_BS | 1, DR6_BS | 1
    CLEAR_DR
    ret

KERNEL_END
