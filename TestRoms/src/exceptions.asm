; exceptions: every exception that a program can raise, its error code, the state its handler sees, which of two wins, what a bad IDT
; does, and when one exception becomes a double fault. Faults in the middle of instructions are in restart.asm, debug exceptions in
; debug.asm, those of task switches in tasks.asm.
;
; SDM volume 3A chapter 6.

%include "kernel.inc"
%include "paging.inc"

S0 equ SEL_FREE
NOT_PRESENT equ TEST_PAGES + 0x10000

main:
    call setup_paging
    SET_PAGE NOT_PRESENT, 0
    call classes
    call frame_and_flags
    call error_codes
    call undefined_opcodes
    call lock_prefix
    call device_not_available
    call x87_and_simd
    call alignment_check
    call gates
    call bad_gates
    call from_ring_3
    call priorities
    call double_faults
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
classes:
    GROUP "faults and traps"
    ; Faults report the instruction, traps the one behind it.
    xor ecx, ecx
    FAULTS VEC_DE, 0, div ecx
    TRY
    int3
.after_int3:
    END_TRY
    EXPECT_FAULT VEC_BP, 0, .after_int3
    TRY
    db 0xF1                                     ; INT1
.after_int1:
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .after_int1
    mov al, 0x7F
    TRY
    add al, al
    into
.after_into:
    END_TRY
    EXPECT_FAULT VEC_OF, 0, .after_into
    mov eax, 3
    mov dword [bounds], 0
    mov dword [bounds + 4], 2
    FAULTS VEC_BR, 0, {bound eax, [bounds]}
    mov eax, -1
    FAULTS VEC_BR, 0, {bound eax, [bounds]}
    mov eax, 2
    RUNS bound eax, [bounds]
    FAULTS VEC_UD, 0, ud2
    TRY
    int 0x80
.after_int:
    END_TRY
    EXPECT_FAULT 0x80, 0, .after_int
    FAULTS VEC_PF, 0, {mov eax, [NOT_PRESENT]}
    ; INT n of a vector that has an error code as an exception pushes none
    TRY
    push dword 0x11111111
    push dword 0x22222222
    int VEC_GP
    END_TRY
    ; the frame is one dword short, so the stub of vector 13 takes EIP for the error code, CS for EIP, and so on
    EXPECT_EQ [caught.vector], VEC_GP
    EXPECT_EQ [caught.eip], SEL_CODE
    EXPECT_EQ [caught.eflags], 0x22222222
    ret

frame_and_flags:
    GROUP "stack frame and EFLAGS"
    ; same privilege: EFLAGS, CS, EIP and the error code; 16 bytes below the old ESP
    push dword FL_1 | FL_CF | FL_ZF | FL_DF
    popfd
    mov ebp, esp
    FAULTS VEC_PF, 0, {mov eax, [NOT_PRESENT]}
    cld
    sub ebp, [caught.esp_handler]
    EXPECT_EQ ebp, 16
    EXPECT_EQ [caught.cs], SEL_CODE
    ; a fault pushes RF = 1, so that a breakpoint on the instruction does not hit again after the handler repaired things
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_ZF | FL_DF | FL_RF
    ; a software interrupt is no fault
    push dword FL_1 | FL_SF
    popfd
    TRY
    int3
    END_TRY
    EXPECT_EQ [caught.eflags], FL_1 | FL_SF
    ; from ring 3: SS and ESP are pushed too, on the stack that the TSS names
    USER .user, FL_1 | FL_CF | FL_IOPL
    EXPECT_FAULT USER_EXIT, 0, .user_end
    EXPECT_EQ [caught.cs], SEL_UCODE
    EXPECT_EQ [caught.ss], SEL_UDATA
    EXPECT_EQ [caught.esp], user_stack_top
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_IOPL
    ; the stub has pushed one dword (the missing error code) in the place where esp_handler points
    EXPECT_EQ [caught.esp_handler], ring0_stack_top - 24
    ret
.user:
    int USER_EXIT
.user_end:

error_codes:
    GROUP "error codes"
    mov eax, SEL_TSS
    FAULTS VEC_GP, SEL_TSS, mov es, eax
    SET_DESC S0, 0, 0xFFFFF, ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov eax, S0
    FAULTS VEC_NP, S0, mov es, eax
    mov eax, S0
    FAULTS VEC_SS, S0, mov ss, eax
    mov eax, 0x1FFF
    FAULTS VEC_GP, 0x1FFC, mov es, eax          ; RPL removed, TI kept
    FAULTS VEC_PF, PF_W, {mov [NOT_PRESENT], eax}
    EXPECT_EQ [caught.cr2], NOT_PRESENT
    FAULTS VEC_PF, 0, {mov eax, [NOT_PRESENT + 0xABC]}
    EXPECT_EQ [caught.cr2], NOT_PRESENT + 0xABC
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
undefined_opcodes:
    GROUP "undefined opcodes"
    FAULTS VEC_UD, 0, {db 0x0F, 0x0B}
    FAULTS VEC_UD, 0, {db 0x0F, 0xB9, 0xC0}     ; UD1
    FAULTS VEC_UD, 0, {db 0x8D, 0xC0}           ; LEA with a register
    FAULTS VEC_UD, 0, {db 0x62, 0xC0}           ; BOUND with a register
    FAULTS VEC_UD, 0, {db 0xFF, 0xF8}           ; group 5 /7
    FAULTS VEC_UD, 0, {db 0xFE, 0xD0}           ; group 4 /2
    FAULTS VEC_UD, 0, {db 0xFF, 0xD8}           ; CALL far with a register
    FAULTS VEC_UD, 0, {db 0xFF, 0xE8}           ; JMP far with a register
    FAULTS VEC_UD, 0, {db 0x0F, 0xBA, 0xC0, 0}  ; group 8 /0
    FAULTS VEC_UD, 0, {db 0xC6, 0xC8, 0}        ; group 11 /1
    FAULTS VEC_UD, 0, {db 0x0F, 0xC7, 0xC8}     ; CMPXCHG8B with a register
    FAULTS VEC_UD, 0, {db 0x0F, 0x00, 0xF0}     ; group 6 /6
    FAULTS VEC_UD, 0, {db 0x0F, 0x01, 0xF8}     ; INVLPG with a register
    FAULTS VEC_UD, 0, {db 0x0F, 0xAA}           ; RSM outside of SMM
    ; aliases that do exist, though no table of the manual lists them
    mov eax, 0x41
    RUNS {db 0xD0, 0xF0}                        ; SAL AL, 1 as group 2 /6
    movzx eax, al
    EXPECT_EQ eax, 0x82
    RUNS {db 0xF6, 0xC8, 0x80}                  ; TEST AL, imm8 as group 3 /1
    RUNS {db 0x82, 0xC0, 0x01}                  ; ADD AL, imm8 as opcode 82
    RUNS {db 0xD6}                              ; SALC
    ; the longest instruction has 15 bytes
    RUNS {db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90}
    FAULTS VEC_GP, 0, {db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90}
    ret

; LOCKED_UD instruction: #UD when it is preceded by F0. (The assembler would refuse the LOCK.)
%macro LOCKED_UD 1+.nolist
    TRY
%%at:
    db 0xF0
    %1
    END_TRY
    EXPECT_FAULT VEC_UD, 0, %%at
%endmacro

lock_prefix:
    GROUP "LOCK"
    RUNS lock add dword [bounds], 1
    RUNS lock bts dword [bounds], 3
    RUNS lock xchg [bounds], eax
    RUNS lock not dword [bounds]
    RUNS lock xadd [bounds], eax
    RUNS lock cmpxchg8b [bounds]
    FAULTS VEC_UD, 0, {db 0xF0, 0x01, 0xC0}                             ; LOCK ADD EAX, EAX
    LOCKED_UD mov eax, [bounds]
    LOCKED_UD cmp [bounds], eax
    LOCKED_UD bt dword [bounds], 1
    FAULTS VEC_UD, 0, {db 0xF0, 0x90}                                   ; LOCK NOP
    LOCKED_UD add eax, [bounds]            ; memory is the source
    FAULTS VEC_UD, 0, {db 0xF0, 0xFA}                                   ; LOCK CLI
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
; SET_CR0 set, clear
%macro SET_CR0 2
    push eax
    mov eax, cr0
    or eax, %1
    and eax, ~(%2)
    mov cr0, eax
    pop eax
%endmacro
%macro SET_CR4 2
    push eax
    mov eax, cr4
    or eax, %1
    and eax, ~(%2)
    mov cr4, eax
    pop eax
%endmacro

device_not_available:
    GROUP "CR0.TS, EM, MP"
    SET_CR0 CR0_NE, CR0_TS | CR0_EM | CR0_MP
    fninit
    SET_CR0 CR0_TS, CR0_MP
    FAULTS VEC_NM, 0, fld1
    FAULTS VEC_NM, 0, fnop
    FAULTS VEC_NM, 0, fninit                    ; even the non-waiting ones
    RUNS wait                                   ; WAIT only with MP as well
    SET_CR0 CR0_TS | CR0_MP, 0
    FAULTS VEC_NM, 0, wait
    FAULTS VEC_NM, 0, {fnstsw ax}
    FAULTS VEC_NM, 0, emms
    SET_CR0 CR0_EM, CR0_TS | CR0_MP
    FAULTS VEC_NM, 0, fld1
    RUNS wait
    FAULTS VEC_UD, 0, emms                      ; MMX has no emulation
    SET_CR0 CR0_TS | CR0_EM, 0
    FAULTS VEC_NM, 0, fld1
    FAULTS VEC_UD, 0, emms                      ; #UD by EM is tested before #NM by TS
    SET_CR0 0, CR0_TS | CR0_EM
    RUNS emms
    ; SSE wants CR4.OSFXSR; FXSAVE itself does not
    SET_CR4 0, CR4_OSFXSR
    FAULTS VEC_UD, 0, {xorps xmm0, xmm0}
    RUNS fxsave [fx_area]
    SET_CR4 CR4_OSFXSR, 0
    RUNS xorps xmm0, xmm0
    SET_CR0 CR0_TS, 0
    FAULTS VEC_NM, 0, {xorps xmm0, xmm0}
    FAULTS VEC_NM, 0, fxsave [fx_area]
    clts
    FAULTS VEC_GP, 0, fxsave [fx_area + 8]      ; must be 16-byte aligned
    FAULTS VEC_GP, 0, {movaps xmm0, [fx_area + 4]}
    ret

x87_and_simd:
    GROUP "#MF and #XM"
    ; An unmasked x87 exception is reported by the next waiting instruction, with that instruction's EIP.
    SET_CR0 CR0_NE, 0
    fninit
    push dword 0x037B                           ; division by zero unmasked
    fldcw [esp]
    add esp, 4
    fld1
    fldz
    RUNS fdivp st1, st0
    FAULTS VEC_MF, 0, fld1
    FAULTS VEC_MF, 0, wait
    RUNS fnstsw ax                              ; non-waiting: does not report
    RUNS fnclex
    RUNS wait
    fninit
    ; SIMD exceptions come with the instruction itself. Without CR4.OSXMMEXCPT the OS does not know them: #UD.
    SET_CR4 CR4_OSFXSR | CR4_OSXMMEXCPT, 0
    push dword 0x1D80                           ; ZM clear
    ldmxcsr [esp]
    movss xmm0, [one]
    xorps xmm1, xmm1
    FAULTS VEC_XM, 0, {divss xmm0, xmm1}
    SET_CR4 0, CR4_OSXMMEXCPT
    FAULTS VEC_UD, 0, {divss xmm0, xmm1}
    mov dword [esp], 0x1F80
    ldmxcsr [esp]
    RUNS divss xmm0, xmm1
    mov dword [esp], 0xFFFFFFFF
    FAULTS VEC_GP, 0, ldmxcsr [esp]             ; reserved bits
    add esp, 4
    ret

alignment_check:
    GROUP "#AC"
    ; needs all three: CR0.AM, EFLAGS.AC, CPL 3
    push dword FL_1 | FL_AC
    popfd
    RUNS mov eax, [bounds + 1]
    SET_CR0 CR0_AM, 0
    push dword FL_1 | FL_AC
    popfd
    RUNS mov eax, [bounds + 1]
    push dword FL_1
    popfd
    USER .read
    EXPECT_FAULT USER_EXIT
    USER .read, FL_1 | FL_AC
    EXPECT_FAULT VEC_AC, 0, .read
    USER .aligned, FL_1 | FL_AC
    EXPECT_FAULT USER_EXIT
    USER .word, FL_1 | FL_AC
    EXPECT_FAULT VEC_AC, 0, .word
    USER .fpu, FL_1 | FL_AC
    EXPECT_FAULT VEC_AC, 0, .fpu                ; 8-byte operands align to 8
    USER .stack, FL_1 | FL_AC
    EXPECT_FAULT VEC_AC, 0, .push
    SET_CR0 0, CR0_AM
    USER .read, FL_1 | FL_AC
    EXPECT_FAULT USER_EXIT
    ret
.read:
    mov eax, [bounds + 1]
    int USER_EXIT
.aligned:
    mov eax, [bounds]
    mov ax, [bounds + 2]
    mov al, [bounds + 1]
    int USER_EXIT
.word:
    mov ax, [bounds + 3]
    int USER_EXIT
.fpu:
    fld qword [bounds + 4]
    int USER_EXIT
.stack:
    lea esp, [esp - 2]
.push:
    push eax
    int USER_EXIT

; ---------------------------------------------------------------------------------------------------------------------------------
; A handler for gate tests: notes the flags it runs with and how far the stack moved, and returns through what it finds in `leave`.
section .bss
bounds:         resd 4
seen_flags:     resd 1
seen_esp:       resd 1
alignb 16
fx_area:        resb 528
section .rodata
one:            dd 1.0
section .text

gates:
    GROUP "gate types"
    mov ecx, 0x81
    mov eax, .handler32
    mov dl, ACC_P | SYS_INT32
    call set_gate
    push dword FL_1 | FL_IF | FL_NT | FL_CF
    popfd
    mov ebx, esp
    int 0x81
    pushfd
    pop eax
    push dword FL_1
    popfd
    EXPECT_EQ eax, FL_1 | FL_IF | FL_NT | FL_CF     ; IRET restored them all
    EXPECT_EQ [seen_flags], FL_1 | FL_CF            ; IF by the interrupt gate, NT by any
    sub ebx, [seen_esp]
    EXPECT_EQ ebx, 12
    mov dl, ACC_P | SYS_TRAP32
    mov eax, .handler32
    call set_gate
    push dword FL_1 | FL_IF | FL_CF
    popfd
    int 0x81
    cli
    EXPECT_EQ [seen_flags], FL_1 | FL_IF | FL_CF    ; a trap gate leaves IF
    ; a 16-bit gate pushes words and takes 16 bits of the offset
    mov edi, 0x5000
    mov esi, .handler16
    mov ecx, .handler16_end - .handler16
    cld
    rep movsb
    mov ecx, 0x81
    mov eax, 0x5000
    mov dl, ACC_P | SYS_INT16
    call set_gate
    mov word [idt + 0x81 * 8 + 6], 0xDEAD           ; not part of a 16-bit gate
    ; its IRET restores 16 bits of EIP only: call it from a copy below 64 KiB
    mov edi, 0x5800
    mov esi, .caller16
    mov ecx, .caller16_end - .caller16
    rep movsb
    mov ebx, esp
    mov eax, 0x5800
    TRY
    call eax
    END_TRY
    EXPECT_EQ [caught.vector], VEC_NONE
    sub ebx, [seen_esp]
    EXPECT_EQ ebx, 6 + 4                            ; three words, and the return address of the call
    call default_gate
    ret
.handler32:
    mov [seen_esp], esp
    pushfd
    pop dword [seen_flags]
    iretd
.handler16:
    mov [seen_esp], esp
    o16 iret
.handler16_end:
.caller16:
    int 0x81
    ret
.caller16_end:

bad_gates:
    GROUP "bad IDT entries"
    ; #GP and #NP with the vector in the error code: index * 8 + 2, and bit 0 (EXT) when not by INT n
    mov byte [idt + 0x82 * 8 + 5], SYS_INT32                    ; not present
    FAULTS VEC_NP, 0x82 * 8 + ERR_IDT, int 0x82
    mov byte [idt + 0x82 * 8 + 5], ACC_P | SYS_CALL32           ; no interrupt, trap or task gate
    FAULTS VEC_GP, 0x82 * 8 + ERR_IDT, int 0x82
    mov byte [idt + 0x82 * 8 + 5], SYS_CALL32                   ; type before presence
    FAULTS VEC_GP, 0x82 * 8 + ERR_IDT, int 0x82
    mov ecx, 0x82
    call default_gate
    mov word [idt + 0x82 * 8 + 2], 0                            ; null code selector
    FAULTS VEC_GP, 0, int 0x82
    mov word [idt + 0x82 * 8 + 2], SEL_DATA
    FAULTS VEC_GP, SEL_DATA, int 0x82
    mov word [idt + 0x82 * 8 + 2], GDT_ENTRIES * 8
    FAULTS VEC_GP, GDT_ENTRIES * 8, int 0x82
    mov word [idt + 0x82 * 8 + 2], SEL_UCODE                    ; an interrupt never goes outwards
    FAULTS VEC_GP, SEL_UCODE & ~3, int 0x82
    SET_DESC S0, 0, 0xFFFFF, ACC_CODE | ACC_READ, DF_B | DF_G
    mov word [idt + 0x82 * 8 + 2], S0
    FAULTS VEC_NP, S0, int 0x82
    SET_DESC S0, 0, 0xFF, ACC_P | ACC_CODE | ACC_READ, DF_B      ; the handler lies beyond the limit of its segment
    FAULTS VEC_GP, 0, int 0x82
    ; an exception instead of INT n: EXT = 1
    mov byte [idt + VEC_UD * 8 + 5], SYS_INT32
    FAULTS VEC_NP, VEC_UD * 8 + ERR_IDT + ERR_EXT, ud2
    mov byte [idt + VEC_UD * 8 + 5], ACC_P | SYS_INT32
    mov word [idt + VEC_UD * 8 + 2], SEL_DATA
    FAULTS VEC_GP, SEL_DATA + ERR_EXT, ud2
    mov word [idt + VEC_UD * 8 + 2], SEL_CODE
    ; INT3 and INTO are software interrupts: EXT = 0
    mov byte [idt + VEC_BP * 8 + 5], SYS_INT32
    FAULTS VEC_NP, VEC_BP * 8 + ERR_IDT, int3
    mov byte [idt + VEC_BP * 8 + 5], ACC_P | SYS_INT32
    ; the limit of the IDT
    push dword idt
    push word 0x82 * 8 + 6                                      ; one byte of the gate is missing
    lidt [esp]
    FAULTS VEC_GP, 0x82 * 8 + ERR_IDT, int 0x82
    FAULTS VEC_GP, 0xFF * 8 + ERR_IDT, int 0xFF
    mov word [esp], 0x7FF
    lidt [esp]
    add esp, 6
    mov ecx, 0x82
    call default_gate
    ret

from_ring_3:
    GROUP "gates from ring 3"
    ; DPL protects a gate from INT n, but not from exceptions
    USER .int80
    EXPECT_FAULT VEC_GP, 0x80 * 8 + ERR_IDT, .int80
    USER .int3
    EXPECT_FAULT VEC_GP, VEC_BP * 8 + ERR_IDT, .int3
    USER .into
    EXPECT_FAULT VEC_GP, VEC_OF * 8 + ERR_IDT, .into_at
    USER .int1                                                  ; INT1 is hardware-like: DPL is not tested
    EXPECT_FAULT VEC_DB, 0, .int1_end
    USER .ud
    EXPECT_FAULT VEC_UD, 0, .ud
    USER .bound
    EXPECT_FAULT VEC_BR, 0, .bound
    USER .page
    EXPECT_FAULT VEC_PF, PF_U, .page
    ; DPL is tested before presence
    mov byte [idt + 0x80 * 8 + 5], SYS_INT32
    USER .int80
    EXPECT_FAULT VEC_GP, 0x80 * 8 + ERR_IDT, .int80
    mov ecx, 0x80
    call default_gate
    ; a 3-byte handler frame is not the only thing that changes: data segments stay what the user had
    USER .ud
    EXPECT_EQ [caught + frame.ds], SEL_UDATA
    ret
.int80:
    int 0x80
.int3:
    int3
.into:
    mov al, 0x7F
    add al, al
.into_at:
    into
.int1:
    db 0xF1
.int1_end:
.ud:
    ud2
.bound:
    bound eax, [.bounds]
.page:
    mov eax, [NOT_PRESENT]
.bounds:
    dd 1, 0

; ---------------------------------------------------------------------------------------------------------------------------------
priorities:
    GROUP "which fault wins"
    ; segmentation before paging
    SET_DESC S0, NOT_PRESENT, 0xF, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov eax, S0
    mov fs, eax
    FAULTS VEC_GP, 0, {mov al, [fs:0x10]}
    mov eax, S0
    mov fs, eax
    FAULTS VEC_PF, 0, {mov al, [fs:0xF]}
    ; #UD before #GP: an invalid LOCK on a privileged instruction at CPL 3
    USER .lock_hlt
    EXPECT_FAULT VEC_UD, 0, .lock_hlt
    ; the operand is read before it is divided by
    FAULTS VEC_PF, 0, {div dword [NOT_PRESENT]}
    ; #NM before the memory operand
    SET_CR0 CR0_TS, 0
    FAULTS VEC_NM, 0, {fld dword [NOT_PRESENT]}
    clts
    ; a pending x87 error before the memory operand of the instruction that reports it
    fninit
    push dword 0x037B
    fldcw [esp]
    add esp, 4
    fld1
    fldz
    fdivp st1, st0
    FAULTS VEC_MF, 0, {fld dword [NOT_PRESENT]}
    fninit
    ; misaligned MOVAPS before the page fault
    FAULTS VEC_GP, 0, {movaps xmm0, [NOT_PRESENT + 4]}
    FAULTS VEC_PF, 0, {movaps xmm0, [NOT_PRESENT]}
    ; I/O permission before the memory operand
    USER .insb
    EXPECT_FAULT VEC_GP, 0, .insb_at
    ; the instruction's own page before everything it would do
    mov eax, NOT_PRESENT
    TRY
    call eax
    END_TRY
    EXPECT_FAULT VEC_PF, 0, NOT_PRESENT
    EXPECT_EQ [caught.cr2], NOT_PRESENT
    ; the first byte of an instruction is present, the rest is not: EIP of the instruction, CR2 of the missing byte
    mov word [NOT_PRESENT - 2], 0x05C7          ; mov dword [...], ...
    mov eax, NOT_PRESENT - 2
    TRY
    jmp eax
    END_TRY
    EXPECT_FAULT VEC_PF, 0, NOT_PRESENT - 2
    EXPECT_EQ [caught.cr2], NOT_PRESENT
    ; unless the present part is already undefined
    mov word [NOT_PRESENT - 2], 0x0B0F
    mov eax, NOT_PRESENT - 2
    TRY
    jmp eax
    END_TRY
    EXPECT_FAULT VEC_UD, 0, NOT_PRESENT - 2
    mov ax, SEL_DATA
    mov fs, ax
    ret
.lock_hlt:
    db 0xF0, 0xF4
.insb:
    mov edi, NOT_PRESENT
    mov dx, 0x80
.insb_at:
    insb

; ---------------------------------------------------------------------------------------------------------------------------------
; Volume 3A table 6-5: contributory exceptions are #DE, #TS, #NP, #SS, #GP. Contributory during contributory, and contributory or page
; fault during page fault, make a double fault; everything else is delivered one after the other.
double_faults:
    GROUP "double faults"
    ; benign, then contributory: delivered serially
    mov byte [idt + VEC_UD * 8 + 5], SYS_INT32
    FAULTS VEC_NP, VEC_UD * 8 + ERR_IDT + ERR_EXT, ud2
    mov byte [idt + VEC_UD * 8 + 5], ACC_P | SYS_INT32
    ; #DE, then #NP of its gate
    mov byte [idt + VEC_DE * 8 + 5], SYS_INT32
    xor ecx, ecx
    FAULTS VEC_DF, 0, div ecx
    mov byte [idt + VEC_DE * 8 + 5], ACC_P | SYS_INT32
    ; #GP, then #NP
    mov byte [idt + VEC_GP * 8 + 5], SYS_INT32
    mov eax, SEL_TSS
    FAULTS VEC_DF, 0, mov es, eax
    ; INT n is no exception: #GP from it, then #NP of #GP's gate is still the pair contributory, contributory
    mov byte [idt + 0x82 * 8 + 5], 0
    FAULTS VEC_DF, 0, int 0x82
    mov byte [idt + VEC_GP * 8 + 5], ACC_P | SYS_INT32
    mov ecx, 0x82
    call default_gate
    ; #PF, then #NP
    mov byte [idt + VEC_PF * 8 + 5], SYS_INT32
    FAULTS VEC_DF, 0, {mov eax, [NOT_PRESENT]}
    EXPECT_EQ [caught.cr2], NOT_PRESENT
    mov byte [idt + VEC_PF * 8 + 5], ACC_P | SYS_INT32
    ; Contributory, then page fault: serial. The first eight gates lie in a missing page, the others in a present one: the CPU cannot
    ; read the gate of #DE and raises #PF, whose handler sees the IP of the DIV and, in CR2, where the gate would have been.
    SPLIT equ TEST_PAGES + 0x21000
    cld
    mov esi, idt
    mov edi, SPLIT - 8 * 8
    mov ecx, 256 * 2
    rep movsd
    SET_PAGE SPLIT - PAGE, 0
    push dword SPLIT - 8 * 8
    push word 0x7FF
    lidt [esp]
    xor ecx, ecx
    FAULTS VEC_PF, 0, div ecx
    EXPECT_EQ [caught.cr2], SPLIT - 8 * 8
    ; Page fault, then page fault: the gates from 12 on are in the missing page, that of #DF is not.
    SET_PAGE SPLIT - PAGE, PAGE_RW
    mov esi, idt
    mov edi, SPLIT - 12 * 8
    mov ecx, 256 * 2
    rep movsd
    mov dword [esp + 2], SPLIT - 12 * 8
    lidt [esp]
    SET_PAGE SPLIT, 0
    FAULTS VEC_DF, 0, {mov eax, [NOT_PRESENT]}
    EXPECT_EQ [caught.cr2], SPLIT + 2 * 8               ; the second fault wrote CR2 last
    ; Contributory (#GP, vector 13, missing), then page fault, whose gate is missing too: the second page fault makes it double.
    mov eax, SEL_TSS
    FAULTS VEC_DF, 0, mov es, eax
    EXPECT_EQ [caught.cr2], SPLIT + 2 * 8
    SET_PAGE SPLIT, PAGE_RW
    add esp, 6
    call setup_idt
    ret

KERNEL_END
