; restart: instructions that touch memory in more than one place, each stopped by a page fault in the middle. At the fault the registers
; must be as before the instruction (ESP above all); after the page has come the same instruction runs again and must give the result
; as if nothing had been. The code runs in ring 3, so that the handler has a stack of its own. String instructions are in strings.asm.
;
; SDM volume 3A 6.5 (faults), 6.6 (restart).

%include "kernel.inc"
%include "paging.inc"

B   equ TEST_PAGES + 0x31000        ; the boundary: LOW ends here, HIGH begins
LOW equ B - PAGE
HIGH equ B
FAR_PAGE equ TEST_PAGES + 0x40000   ; another page, for memory operands

RING1_CODE equ SEL_FREE | 1
RING1_DATA equ SEL_FREE + 8 | 1
GATE equ SEL_FREE + 0x10
TASK equ SEL_FREE + 0x18

section .bss
repairs: resd 1
saved_esp: resd 1
section .text

main:
    call setup_paging
    mov dword [tss + tss32.cr3], page_directory
    mov eax, cr4
    or eax, CR4_OSFXSR
    mov cr4, eax
    mov eax, cr0
    or eax, CR0_NE
    mov cr0, eax
    fninit
    call pushes
    call calls
    call frames
    call two_operands
    call read_modify_write
    call pointers
    call fpu_images
    call fetches
    call deliveries
    call task_switch
    ret

; repair: maps the page that is missing and returns to the instruction
repair:
    inc dword [repairs]
    mov eax, cr2
    mov ecx, eax
    and ecx, ~0xFFF
    shr eax, 12
    or ecx, PAGE_RW
    mov [page_tables + eax * 4], ecx
    ret

; RESTART code, at, missing page, error, ESP: runs `code` in ring 3 with the page missing: page fault at `at`, inside that page, with ESP
; as given. Then again with the repairing handler: it reaches its INT USER_EXIT after one fault. The registers at that INT are in the
; registers (and `caught`) afterwards.
%macro RESTART 5.nolist
    SET_PAGE %3, 0
    USER %1
    SET_PAGE %3, PAGE_RW
    EXPECT_FAULT VEC_PF, (%4) | PF_U, %2
    mov eax, [caught.cr2]
    and eax, ~0xFFF
    EXPECT_EQ eax, %3
    EXPECT_EQ [caught.esp], %5
    mov dword [repairs], 0
    SET_PAGE %3, 0
    mov dword [hooks + VEC_PF * 4], repair
    USER %1
    mov dword [hooks + VEC_PF * 4], 0
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [repairs], 1
%endmacro

; clear: the two pages around the boundary and the far one
clear:
    pushad
    cld
    mov edi, LOW
    mov ecx, 2 * PAGE / 4
    xor eax, eax
    rep stosd
    mov edi, FAR_PAGE
    mov ecx, PAGE / 4
    rep stosd
    popad
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
pushes:
    GROUP "PUSHA, POPA, PUSH, POP"
    call clear
    RESTART .pusha, .pusha_at, LOW, PF_W, B + 12
    EXPECT_EQ [caught.esp], B - 20
    EXPECT_EQ [B + 8], 0xA0A0A0A0
    EXPECT_EQ [B - 8], B + 12                   ; the pushed ESP
    EXPECT_EQ [B - 20], 0xD1D1D1D1
    mov dword [B - 8], 0x11111111               ; EDI
    mov dword [B - 4], 0x22222222               ; ESI
    mov dword [B], 0x33333333                   ; EBP
    mov dword [B + 20], 0x44444444              ; EAX
    RESTART .popa, .popa_at, HIGH, 0, B - 8
    EXPECT_EQ [caught.esp], B + 24
    EXPECT_EQ edi, 0x11111111
    EXPECT_EQ ebp, 0x33333333
    EXPECT_EQ [caught + frame.eax], 0x44444444
    ; POPA that stops half way changed no register: look at the fault itself
    SET_PAGE HIGH, 0
    USER .popa
    SET_PAGE HIGH, PAGE_RW
    EXPECT_EQ edi, 0xD1D1D1D1
    ; the 16-bit form
    RESTART .pushaw, .pushaw_at, LOW, PF_W, B + 2
    EXPECT_EQ [caught.esp], B - 14
    ; memory to stack: either may be missing
    mov dword [FAR_PAGE], 0x77777777
    RESTART .push_mem, .push_mem_at, FAR_PAGE, 0, B
    EXPECT_EQ [B - 4], 0x77777777
    RESTART .push_mem, .push_mem_at, LOW, PF_W, B
    EXPECT_EQ [B - 4], 0x77777777
    mov dword [B - 4], 0x88888888
    RESTART .pop_mem, .pop_mem_at, FAR_PAGE, PF_W, B - 4
    EXPECT_EQ [FAR_PAGE], 0x88888888
    EXPECT_EQ [caught.esp], B
    RESTART .pop_mem, .pop_mem_at, LOW, 0, B - 4
    ; POP to an address that is computed from ESP uses the ESP after the pop, also the second time
    mov dword [B - 4], 0x99999999
    mov dword [B], 0
    RESTART .pop_esp_mem, .pop_esp_mem_at, HIGH, PF_W, B - 4
    EXPECT_EQ [B], 0x99999999
    RESTART .pushf, .pushf_at, LOW, PF_W, B
    RESTART .push_seg, .push_seg_at, LOW, PF_W, B
    ret
.pusha:
    mov esp, B + 12
    mov eax, 0xA0A0A0A0
    mov edi, 0xD1D1D1D1
.pusha_at:
    pushad
    int USER_EXIT
.popa:
    mov esp, B - 8
    mov edi, 0xD1D1D1D1
.popa_at:
    popad
    int USER_EXIT
.pushaw:
    mov esp, B + 2
.pushaw_at:
    pushaw
    int USER_EXIT
.push_mem:
    mov esp, B
.push_mem_at:
    push dword [FAR_PAGE]
    int USER_EXIT
.pop_mem:
    mov esp, B - 4
.pop_mem_at:
    pop dword [FAR_PAGE]
    int USER_EXIT
.pop_esp_mem:
    mov esp, B - 4
.pop_esp_mem_at:
    pop dword [esp]
    int USER_EXIT
.pushf:
    mov esp, B
.pushf_at:
    pushfd
    int USER_EXIT
.push_seg:
    mov esp, B
.push_seg_at:
    push ds
    int USER_EXIT

calls:
    GROUP "CALL, RET, IRET"
    call clear
    RESTART .near, .near_at, LOW, PF_W, B
    EXPECT_EQ [B - 4], .near_back
    RESTART .far, .far_at, LOW, PF_W, B + 4         ; CS goes to the present page, EIP to the missing one
    EXPECT_EQ [B - 4], .far_back
    movzx eax, word [B]
    EXPECT_EQ eax, SEL_UCODE
    mov dword [FAR_PAGE], .target
    RESTART .indirect, .indirect_at, FAR_PAGE, 0, B
    RESTART .indirect, .indirect_at, LOW, PF_W, B
    mov dword [B - 4], .target
    RESTART .ret, .ret_at, LOW, 0, B - 4
    EXPECT_EQ [caught.esp], B
    mov dword [B - 4], .target
    mov dword [B], SEL_UCODE
    RESTART .retf, .retf_at, HIGH, 0, B - 4         ; EIP present, CS missing
    EXPECT_EQ [caught.esp], B + 4
    mov dword [B - 8], .target
    mov dword [B - 4], SEL_UCODE
    mov dword [B], FL_1 | FL_CF | FL_ZF
    RESTART .iret, .iret_at, HIGH, 0, B - 8         ; EFLAGS missing
    EXPECT_EQ [caught.esp], B + 4
    EXPECT_EQ [caught.eflags], FL_1 | FL_CF | FL_ZF
    ; a far pointer across the boundary
    mov dword [B - 4], .target
    mov dword [B], SEL_UCODE
    RESTART .far_indirect, .far_indirect_at, HIGH, 0, user_stack_top
    ret
.near:
    mov esp, B
.near_at:
    call .target
.near_back:
    ud2
.far:
    mov esp, B + 4
.far_at:
    call SEL_UCODE:.target
.far_back:
    ud2
.indirect:
    mov esp, B
.indirect_at:
    call [FAR_PAGE]
.ret:
    mov esp, B - 4
.ret_at:
    ret
.retf:
    mov esp, B - 4
.retf_at:
    retf
.iret:
    mov esp, B - 8
.iret_at:
    iretd
.far_indirect:
    nop
.far_indirect_at:
    call far [B - 4]
.target:
    int USER_EXIT

frames:
    GROUP "ENTER, LEAVE"
    call clear
    ; ENTER with a frame that reaches into the missing page: EBP is pushed to the present one; whether the CPU probes the new ESP is
    ; seen in the nested form, which pushes there
    RESTART .enter, .enter_at, LOW, PF_W, B
    EXPECT_EQ ebp, B - 4
    EXPECT_EQ [caught.esp], B - 4 - 16
    EXPECT_EQ [B - 4], 0x12345678
    ; nesting level 3: pushes EBP, copies two display pointers, pushes the new frame pointer
    mov dword [FAR_PAGE + 0xFC], 0xAAAAAAAA         ; [EBP - 4] and [EBP - 8] of the old frame
    mov dword [FAR_PAGE + 0xF8], 0xBBBBBBBB
    RESTART .nested, .nested_at, LOW, PF_W, B + 8
    EXPECT_EQ ebp, B + 4
    EXPECT_EQ [caught.esp], B + 8 - 16 - 8
    EXPECT_EQ [B + 4], FAR_PAGE + 0x100
    EXPECT_EQ [B], 0xAAAAAAAA
    EXPECT_EQ [B - 4], 0xBBBBBBBB
    EXPECT_EQ [B - 8], B + 4
    ; the old display is missing
    RESTART .nested, .nested_at, FAR_PAGE, 0, B + 8
    EXPECT_EQ ebp, B + 4
    ; registers at the fault
    SET_PAGE LOW, 0
    USER .nested
    SET_PAGE LOW, PAGE_RW
    EXPECT_EQ ebp, FAR_PAGE + 0x100
    ; LEAVE: the frame it returns to
    mov dword [FAR_PAGE + 0x100], 0x0EBB0EBB
    RESTART .leave, .leave_at, FAR_PAGE, 0, B
    EXPECT_EQ ebp, 0x0EBB0EBB
    EXPECT_EQ [caught.esp], FAR_PAGE + 0x104
    SET_PAGE FAR_PAGE, 0
    USER .leave
    SET_PAGE FAR_PAGE, PAGE_RW
    EXPECT_EQ ebp, FAR_PAGE + 0x100
    ret
.enter:
    mov esp, B
    mov ebp, 0x12345678
.enter_at:
    enter 16, 0
    int USER_EXIT
.nested:
    mov esp, B + 8
    mov ebp, FAR_PAGE + 0x100
.nested_at:
    enter 8, 3
    int USER_EXIT
.leave:
    mov esp, B
    mov ebp, FAR_PAGE + 0x100
.leave_at:
    leave
    int USER_EXIT

two_operands:
    GROUP "MOVS, CMPS, BOUND, descriptor stores"
    call clear
    mov dword [FAR_PAGE], 0x01020304
    RESTART .movs, .movs_at, FAR_PAGE, 0, user_stack_top
    EXPECT_EQ [B - 4], 0x01020304
    EXPECT_EQ esi, FAR_PAGE + 4
    RESTART .movs, .movs_at, LOW, PF_W, user_stack_top
    EXPECT_EQ edi, B
    RESTART .cmps, .cmps_at, LOW, 0, user_stack_top
    mov dword [B - 4], -10
    mov dword [B], 10
    RESTART .bound, .bound_at, HIGH, 0, user_stack_top
    RESTART .sgdt, .sgdt_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 1], gdt
    ; a register bit offset reaches far beyond the operand
    RESTART .bts, .bts_at, FAR_PAGE, PF_W, user_stack_top
    EXPECT_EQ [FAR_PAGE + 4], 1 << 5
    ret
.movs:
    mov esi, FAR_PAGE
    mov edi, B - 4
.movs_at:
    movsd
    int USER_EXIT
.cmps:
    mov esi, FAR_PAGE
    mov edi, B - 4
.cmps_at:
    cmpsd
    int USER_EXIT
.bound:
    mov eax, 3
.bound_at:
    bound eax, [B - 4]
    int USER_EXIT
.sgdt:
    nop
.sgdt_at:
    sgdt [B - 3]
    int USER_EXIT
.bts:
    mov dword [FAR_PAGE_BITS], 0
    mov eax, (FAR_PAGE - FAR_PAGE_BITS) * 8 + 32 + 5
.bts_at:
    bts [FAR_PAGE_BITS], eax
    int USER_EXIT
FAR_PAGE_BITS equ FAR_PAGE - 0x8000

read_modify_write:
    GROUP "read-modify-write across the boundary"
    ; nothing is written before both pages are known to be writable
    call clear
    mov dword [B - 4], 0x80000000
    RESTART .add, .add_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 1], 0x00000080 + 0x01020304
    mov dword [B - 4], 0xEE000000
    mov dword [B], 0
    RESTART .xchg, .xchg_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [caught + frame.eax], 0x000000EE
    EXPECT_EQ [B - 1], 0x55667788
    mov dword [B - 4], 0
    mov dword [B], 0
    RESTART .cmpxchg8b, .cmpxchg8b_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 4], 0x11111111
    EXPECT_EQ [B], 0x22222222
    mov eax, [caught.eflags]
    and eax, FL_ZF
    EXPECT_EQ eax, FL_ZF
    ; ... that does not match: it loads EDX:EAX and writes back what it read, so the fault is a write fault, too
    mov dword [B - 4], 7
    mov dword [B], 8
    RESTART .cmpxchg8b, .cmpxchg8b_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [caught + frame.eax], 7
    EXPECT_EQ edx, 8
    EXPECT_EQ [B - 4], 7
    mov dword [B - 4], 0
    mov dword [B], 0
    RESTART .cmpxchg, .cmpxchg_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 2], 0x99999999
    mov dword [B - 4], 0x00030000
    mov dword [B], 0
    RESTART .xadd, .xadd_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 2], 3 + 4
    EXPECT_EQ ecx, 3
    ; the registers at the fault of XADD and XCHG
    SET_PAGE HIGH, 0
    USER .xadd
    SET_PAGE HIGH, PAGE_RW
    EXPECT_EQ ecx, 4
    ret
.add:
    mov eax, 0x01020304
.add_at:
    add [B - 1], eax
    int USER_EXIT
.xchg:
    mov eax, 0x55667788
.xchg_at:
    xchg [B - 1], eax
    int USER_EXIT
.cmpxchg8b:
    xor eax, eax
    xor edx, edx
    mov ebx, 0x11111111
    mov ecx, 0x22222222
.cmpxchg8b_at:
    cmpxchg8b [B - 4]
    int USER_EXIT
.cmpxchg:
    xor eax, eax
    mov ecx, 0x99999999
.cmpxchg_at:
    cmpxchg [B - 2], ecx
    int USER_EXIT
.xadd:
    mov ecx, 4
.xadd_at:
    xadd [B - 2], ecx
    int USER_EXIT

pointers:
    GROUP "far pointers"
    call clear
    mov dword [B - 4], 0x13572468
    mov dword [B], SEL_UDATA
    RESTART .les, .les_at, HIGH, 0, user_stack_top  ; offset present, selector missing
    EXPECT_EQ [caught + frame.eax], 0x13572468
    EXPECT_EQ [caught + frame.es], SEL_UDATA
    SET_PAGE HIGH, 0
    USER .les
    SET_PAGE HIGH, PAGE_RW
    EXPECT_EQ [caught + frame.eax], 0x0BADBEEF
    EXPECT_EQ [caught + frame.es], 0
    RESTART .pop_es, .pop_es_at, HIGH, 0, B
    EXPECT_EQ [caught.esp], B + 4
    ret
.les:
    xor eax, eax
    mov es, ax
    mov eax, 0x0BADBEEF
.les_at:
    les eax, [B - 4]
    int USER_EXIT
.pop_es:
    mov esp, B
.pop_es_at:
    pop es
    int USER_EXIT

fpu_images:
    GROUP "FSAVE, FRSTOR, FXSAVE, FBSTP, MOVUPS"
    call clear
    fninit
    fld1
    fldpi
    RESTART .fnsave, .fnsave_at, HIGH, PF_W, user_stack_top
    movzx eax, word [B - 64 + 4]
    EXPECT_EQ eax, 6 << 11                 ; status word in the image: TOP = 6
    movzx eax, word [B - 64 + 8]
    EXPECT_EQ eax, 0x0FFF                           ; tags: two valid
    fnstsw ax
    and eax, 0x3800
    EXPECT_EQ eax, 0                                ; and the FPU is initialised, but only once it was saved
    fld1
    fldpi
    SET_PAGE HIGH, 0
    USER .fnsave
    SET_PAGE HIGH, PAGE_RW
    fnstsw ax
    and eax, 0x3800
    EXPECT_EQ eax, 6 << 11                 ; at the fault it was not
    ; FRSTOR
    fnsave [B - 64]
    RESTART .frstor, .frstor_at, HIGH, 0, user_stack_top
    fnstsw ax
    and eax, 0x3800
    EXPECT_EQ eax, 6 << 11
    fstp st0
    fistp dword [FAR_PAGE]
    EXPECT_EQ [FAR_PAGE], 1
    ; 80-bit stores and loads pop only when they are done
    fninit
    fld1
    RESTART .fstp80, .fstp80_at, HIGH, PF_W, user_stack_top
    fnstsw ax
    and eax, 0x3800
    EXPECT_EQ eax, 0
    EXPECT_EQ [B - 4 + 6], 0x3FFF8000
    RESTART .fld80, .fld80_at, HIGH, 0, user_stack_top
    fistp dword [FAR_PAGE]
    EXPECT_EQ [FAR_PAGE], 1
    fninit
    fld1
    RESTART .fbstp, .fbstp_at, HIGH, PF_W, user_stack_top
    movzx eax, byte [B - 4]
    EXPECT_EQ eax, 1
    fnstsw ax
    and eax, 0x3800
    EXPECT_EQ eax, 0
    RESTART .fxsave, .fxsave_at, HIGH, PF_W, user_stack_top
    ; 16 bytes
    mov dword [FAR_PAGE], 0x01010101
    mov dword [FAR_PAGE + 12], 0x04040404
    movups xmm0, [FAR_PAGE]
    RESTART .movups, .movups_at, HIGH, PF_W, user_stack_top
    EXPECT_EQ [B - 5], 0x01010101
    EXPECT_EQ [B - 5 + 12], 0x04040404
    ret
.fnsave:
    nop
.fnsave_at:
    fnsave [B - 64]
    int USER_EXIT
.frstor:
    nop
.frstor_at:
    frstor [B - 64]
    int USER_EXIT
.fstp80:
    nop
.fstp80_at:
    fstp tword [B - 4]
    int USER_EXIT
.fld80:
    nop
.fld80_at:
    fld tword [B - 4]
    int USER_EXIT
.fbstp:
    nop
.fbstp_at:
    fbstp [B - 4]
    int USER_EXIT
.fxsave:
    nop
.fxsave_at:
    fxsave [B - 256]
    int USER_EXIT
.movups:
    nop
.movups_at:
    movups [B - 5], xmm0
    int USER_EXIT

fetches:
    GROUP "instructions across the boundary"
    call clear
    ; C7 05 disp32 imm32: ten bytes, cut everywhere
%assign cut 1
%rep 9
    mov edi, B - cut
    mov esi, .long
    mov ecx, .long_end - .long
    cld
    rep movsb
    mov dword [FAR_PAGE], 0
    RESTART B - cut, B - cut, HIGH, 0, user_stack_top
    EXPECT_EQ [FAR_PAGE], 0x600DC0DE
%assign cut cut + 1
%endrep
    ; the instruction before the boundary ends there: its successor faults, it does not
    mov byte [B - 1], 0x40                          ; inc eax
    mov word [B], USER_EXIT << 8 | 0xCD
    mov eax, 5
    SET_PAGE HIGH, 0
    USER B - 1
    SET_PAGE HIGH, PAGE_RW
    EXPECT_FAULT VEC_PF, PF_U, B
    EXPECT_EQ [caught.cr2], B
    ret
.long:
    mov dword [FAR_PAGE], 0x600DC0DE
    int USER_EXIT
.long_end:

deliveries:
    GROUP "call gate, interrupt: the stack and the tables"
    call clear
    SET_DESC RING1_CODE, 0, 0xFFFFF, ACC_P | ACC_DPL1 | ACC_CODE | ACC_READ, DF_G | DF_B
    SET_DESC RING1_DATA, 0, 0xFFFFF, ACC_P | ACC_DPL1 | ACC_DATA | ACC_WRITE, DF_G | DF_B
    SET_CALL_GATE GATE, RING1_CODE, .ring1, ACC_P | ACC_DPL3 | SYS_CALL32, 2
    mov dword [tss + tss32.esp1], B + 4             ; SS and ESP of ring 3 straddle the boundary
    mov dword [tss + tss32.ss1], RING1_DATA
    ; the inner stack is missing: the fault finds ring 3 unchanged. It is made with supervisor rights: U is clear.
    SET_PAGE LOW, 0
    USER .gate
    SET_PAGE LOW, PAGE_RW
    EXPECT_FAULT VEC_PF, PF_W, .gate_at
    EXPECT_EQ [caught.cs], SEL_UCODE
    EXPECT_EQ [caught.ss], SEL_UDATA
    EXPECT_EQ [caught.esp], user_stack_top - 8
    SET_PAGE LOW, 0
    mov dword [repairs], 0
    mov dword [hooks + VEC_PF * 4], repair
    USER .gate
    mov dword [hooks + VEC_PF * 4], 0
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [repairs], 1
    EXPECT_EQ [saved_esp], B + 4 - 24
    EXPECT_EQ [B], SEL_UDATA
    EXPECT_EQ [B - 4], user_stack_top - 8
    EXPECT_EQ [B - 8], 0x11111111
    EXPECT_EQ [B - 12], 0x22222222
    ; the gate of an INT in a missing page of the IDT, made with supervisor rights
    cld
    mov esi, idt
    mov edi, B - 0x38 * 8                             ; gates 0 to 37h present, 38h and up missing
    mov ecx, 256 * 2
    rep movsd
    mov byte [B + 0x20 * 8 + 5], ACC_P | ACC_DPL3 | SYS_INT32   ; gate 58h, for ring 3
    push dword B - 0x38 * 8
    push word 0x7FF
    lidt [esp]
    SET_PAGE HIGH, 0
    USER .int58
    EXPECT_FAULT VEC_PF, 0, .int58
    EXPECT_EQ [caught.cr2], B + 0x20 * 8
    EXPECT_EQ [caught.cs], SEL_UCODE
    mov dword [repairs], 0
    mov dword [hooks + VEC_PF * 4], repair
    USER .int58
    mov dword [hooks + VEC_PF * 4], 0
    EXPECT_FAULT 0x58, 0, .int58 + 2
    EXPECT_EQ [repairs], 1
    add esp, 6
    call setup_idt
    ret
.gate:
    push dword 0x11111111
    push dword 0x22222222
.gate_at:
    call GATE | 3:0
    int USER_EXIT
.ring1:
    mov [saved_esp], esp
    retf 8
.int58:
    int 0x58

task_switch:
    GROUP "task switch"
    ; The new TSS straddles the boundary and its second page is missing. The fault comes before the switch is committed, so it belongs
    ; to the old task, at the CALL.
    call clear
    TASK_AT equ B - 40
    mov dword [TASK_AT + tss32.cr3], page_directory
    mov dword [TASK_AT + tss32.eip], .other
    mov dword [TASK_AT + tss32.eflags], FL_1
    mov dword [TASK_AT + tss32.esp], FAR_PAGE + 0x800
    mov dword [TASK_AT + tss32.cs], SEL_CODE
    mov dword [TASK_AT + tss32.ss], SEL_DATA
    mov dword [TASK_AT + tss32.ds], SEL_DATA
    mov dword [TASK_AT + tss32.es], SEL_DATA
    mov dword [FAR_PAGE], 0
    SET_DESC TASK, TASK_AT, 103, ACC_P | SYS_TSS32, 0
    SET_PAGE HIGH, 0
    TRY
.call:
    call TASK:0
    END_TRY
    EXPECT_EQ [caught.vector], VEC_PF
    EXPECT_EQ [caught.eip], .call
    str eax
    EXPECT_EQ eax, SEL_TSS
    movzx eax, byte [gdt + TASK + 5]
    EXPECT_EQ eax, ACC_P | SYS_TSS32                ; not busy
    mov dword [repairs], 0
    mov dword [hooks + VEC_PF * 4], repair
    call TASK:0
    mov dword [hooks + VEC_PF * 4], 0
    EXPECT_EQ [FAR_PAGE], 0x7A5C7A5C
    EXPECT_EQ [repairs], 1
    ret
.other:
    mov dword [FAR_PAGE], 0x7A5C7A5C
    iretd

KERNEL_END
