; tasks: hardware task switching. What is saved and what is loaded, busy bits, the link and NT, CR0.TS, CR3 and LDT, 16 and 32-bit TSS,
; task gates in the GDT and the IDT (with an error code on the new stack), the debug trap bit, and the errors: which of them strike in the
; old task and which in the new one. At the end, what task gates are for: a stack fault and a double fault with no usable stack.
;
; SDM volume 3A chapter 7.

%include "kernel.inc"
%include "paging.inc"

; GDT slots
SEL_TASK  equ SEL_FREE                  ; the second task
SEL_TASK2 equ SEL_FREE + 0x08
SEL_T16   equ SEL_FREE + 0x10           ; a 16-bit TSS
SEL_GATE  equ SEL_FREE + 0x18
SEL_LDT2  equ SEL_FREE + 0x20
S0        equ SEL_FREE + 0x28
SEL_SMALL equ SEL_FREE + 0x30           ; a stack segment with a limit

struc tss16
    .link:  resw 1
    .sp0:   resw 1
    .ss0:   resw 1
    .sp1:   resw 1
    .ss1:   resw 1
    .sp2:   resw 1
    .ss2:   resw 1
    .ip:    resw 1
    .flags: resw 1
    .ax:    resw 1
    .cx:    resw 1
    .dx:    resw 1
    .bx:    resw 1
    .sp:    resw 1
    .bp:    resw 1
    .si:    resw 1
    .di:    resw 1
    .es:    resw 1
    .cs:    resw 1
    .ss:    resw 1
    .ds:    resw 1
    .ldt:   resw 1
endstruc

section .bss
alignb 128
task:           resb 128
task2:          resb 128
t16:            resb 64
runs:           resd 1
seen_tr:        resd 1
seen_flags:     resd 1
seen_cr0:       resd 1
seen_error:     resd 1
seen_eax:       resd 1
seen_link:      resd 1
seen_cr3:       resd 1
alignb 16
task_stack:     resb 1024
task_stack_top:
inner_stack:    resb 1024
inner_stack_top:
ldt2:           resq 4
alignb PAGE
second_directory: resd 1024
section .text

main:
    call setup_paging
    mov dword [tss + tss32.cr3], page_directory
    call jump
    call call_and_return
    call task_gates
    call interrupt_task_gates
    call registers_loaded
    call sixteen_bit_tasks
    call spaces
    call trap_bit
    call errors_in_old_task
    call errors_in_new_task
    call return_errors
    call rescue
    ret

; init_task: `task` is a ring-0 task that starts at EAX. Also puts TR and all busy bits back.
init_task:
    pushad
    mov edi, task
    mov ecx, 128 / 4
    push eax
    xor eax, eax
    cld
    rep stosd
    pop eax
    mov [task + tss32.eip], eax
    mov dword [task + tss32.cr3], page_directory
    mov dword [task + tss32.eflags], FL_1
    mov dword [task + tss32.esp], task_stack_top
    mov dword [task + tss32.esp0], inner_stack_top
    mov dword [task + tss32.ss0], SEL_DATA
    mov eax, SEL_DATA
    mov [task + tss32.ss], eax
    mov [task + tss32.ds], eax
    mov [task + tss32.es], eax
    mov [task + tss32.fs], eax
    mov [task + tss32.gs], eax
    mov dword [task + tss32.cs], SEL_CODE
    mov word [task + tss32.iomap], 104
    mov dword [runs], 0
    popad
    SET_DESC SEL_TASK, task, 103, ACC_P | SYS_TSS32, 0
    push eax
    mov byte [gdt + SEL_TSS + 5], ACC_P | SYS_TSS32
    mov ax, SEL_TSS
    ltr ax
    clts
    pop eax
    ret

%macro INIT_TASK 1
    push eax
    mov eax, %1
    call init_task
    pop eax
%endmacro

; EXPECT_BUSY selector, 1 or 0
%macro EXPECT_BUSY 2.nolist
    push eax
    movzx eax, byte [gdt + %1 + 5]
    shr eax, 1
    and eax, 1
    EXPECT_EQ eax, %2
    pop eax
%endmacro

; note: what every task here records first
note:
    inc dword [runs]
    mov [seen_eax], eax
    push eax
    str eax
    mov [seen_tr], eax
    pushfd
    pop dword [seen_flags]
    mov eax, cr0
    mov [seen_cr0], eax
    mov eax, cr3
    mov [seen_cr3], eax
    mov eax, [task + tss32.link]
    mov [seen_link], eax
    pop eax
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
jump:
    GROUP "JMP to a TSS"
    INIT_TASK .other
    mov dword [task + tss32.link], 0x1234
    mov eax, 0xA0A0A0A0
    mov ebx, 0xB0B0B0B0
    mov ecx, 0xC0C0C0C0
    mov edx, 0xD0D0D0D0
    mov esi, 0x51515151
    mov edi, 0xD1D1D1D1
    mov ebp, 0xB9B9B9B9
    stc
    jmp SEL_TASK:0xDEADBEEF                     ; the offset is ignored
.back:
    EXPECT_FLAGS FL_CF, FL_CF
    EXPECT_EQ eax, 0xA0A0A0A0                   ; everything came back
    EXPECT_EQ ebp, 0xB9B9B9B9
    EXPECT_EQ [runs], 1
    EXPECT_EQ [seen_tr], SEL_TASK
    mov eax, [seen_flags]
    and eax, FL_NT
    EXPECT_EQ eax, 0
    mov eax, [seen_cr0]
    and eax, CR0_TS
    EXPECT_EQ eax, CR0_TS                       ; any switch sets TS
    EXPECT_EQ [seen_link], 0x1234               ; JMP writes no link
    ; what was stored in the TSS that we left
    EXPECT_EQ [tss + tss32.eip], .back
    EXPECT_EQ [tss + tss32.eax], 0xA0A0A0A0
    EXPECT_EQ [tss + tss32.ebx], 0xB0B0B0B0
    EXPECT_EQ [tss + tss32.ecx], 0xC0C0C0C0
    EXPECT_EQ [tss + tss32.edx], 0xD0D0D0D0
    EXPECT_EQ [tss + tss32.esi], 0x51515151
    EXPECT_EQ [tss + tss32.edi], 0xD1D1D1D1
    mov eax, esp
    EXPECT_EQ [tss + tss32.esp], eax
    movzx eax, word [tss + tss32.cs]
    EXPECT_EQ eax, SEL_CODE
    movzx eax, word [tss + tss32.ss]
    EXPECT_EQ eax, SEL_DATA
    EXPECT_BUSY SEL_TSS, 1
    EXPECT_BUSY SEL_TASK, 0
    ; the other task goes on where it left: behind its JMP
    EXPECT_EQ [task + tss32.eip], .other_back
    jmp SEL_TASK:0
    EXPECT_EQ [runs], 2
    ret
.other:
    call note
    EXPECT_BUSY SEL_TSS, 0                      ; a JMP leaves the old task free
    EXPECT_BUSY SEL_TASK, 1
    jmp SEL_TSS:0
.other_back:
    jmp .other

call_and_return:
    GROUP "CALL to a TSS, IRET from it"
    INIT_TASK .other
    push dword FL_1 | FL_ZF
    popfd
    call SEL_TASK:0
.back:
    EXPECT_FLAGS FL_ZF, FL_ZF | FL_NT
    EXPECT_EQ [runs], 1
    mov eax, [seen_flags]
    and eax, FL_NT
    EXPECT_EQ eax, FL_NT
    EXPECT_EQ [seen_link], SEL_TSS
    EXPECT_BUSY SEL_TSS, 1
    EXPECT_BUSY SEL_TASK, 0
    mov eax, [task + tss32.eflags]
    and eax, FL_NT
    EXPECT_EQ eax, 0                            ; IRET stored NT as clear
    ; a task that is in the chain is not entered again
    call SEL_TASK:0
    EXPECT_EQ [runs], 2
    FAULTS VEC_GP, SEL_TSS, call SEL_TSS:0
    FAULTS VEC_GP, SEL_TSS, jmp SEL_TSS:0
    ret
.other:
    call note
    EXPECT_BUSY SEL_TSS, 1                      ; nested: the caller stays busy
    EXPECT_BUSY SEL_TASK, 1
    iretd
    jmp .other

task_gates:
    GROUP "task gates in the GDT"
    INIT_TASK .other
    mov dword [gdt + SEL_GATE], SEL_TASK << 16
    mov dword [gdt + SEL_GATE + 4], (ACC_P | ACC_DPL3 | SYS_TASKGATE) << 8
    call SEL_GATE:0
    EXPECT_EQ [runs], 1
    EXPECT_EQ [seen_link], SEL_TSS
    ; the gate's DPL counts, the TSS's does not: ring 3 may use it
    USER .user
    EXPECT_FAULT USER_EXIT
    EXPECT_EQ [runs], 2
    mov dword [gdt + SEL_GATE + 4], (ACC_P | SYS_TASKGATE) << 8
    USER .user
    EXPECT_FAULT VEC_GP, SEL_GATE, .user
    USER .direct                                ; and the TSS itself has DPL 0
    EXPECT_FAULT VEC_GP, SEL_TASK, .direct
    mov dword [gdt + SEL_GATE + 4], (ACC_DPL3 | SYS_TASKGATE) << 8
    FAULTS VEC_NP, SEL_GATE, call SEL_GATE:0
    mov dword [gdt + SEL_GATE + 4], (ACC_P | SYS_TASKGATE) << 8
    mov word [gdt + SEL_GATE + 2], SEL_DATA     ; no TSS
    FAULTS VEC_GP, SEL_DATA, call SEL_GATE:0
    mov word [gdt + SEL_GATE + 2], 4            ; in an LDT
    FAULTS VEC_GP, 4, call SEL_GATE:0
    ret
.other:
    call note
    iretd
    jmp .other
.user:
    call SEL_GATE | 3:0
    int USER_EXIT
.direct:
    call SEL_TASK:0
    int USER_EXIT

; IDT_TASK_GATE vector, selector
%macro IDT_TASK_GATE 2
    mov dword [idt + (%1) * 8], (%2) << 16
    mov dword [idt + (%1) * 8 + 4], (ACC_P | SYS_TASKGATE) << 8
%endmacro

interrupt_task_gates:
    GROUP "task gates in the IDT"
    INIT_TASK .other
    IDT_TASK_GATE 0x91, SEL_TASK
    int 0x91
.after:
    EXPECT_EQ [runs], 1
    EXPECT_EQ [tss + tss32.eip], .after
    EXPECT_EQ [seen_link], SEL_TSS
    ; an exception with error code: it is pushed on the new task's stack
    INIT_TASK .with_error
    mov dword [task + tss32.eax], 0x12345678
    IDT_TASK_GATE VEC_PF, SEL_TASK
    mov dword [hole], 0
    SET_PAGE TEST_PAGES, 0
.fault:
    mov eax, [TEST_PAGES + 0x234]               ; the task repairs it, and its IRET restarts the instruction
    EXPECT_EQ [runs], 1
    EXPECT_EQ [seen_error], 0
    EXPECT_EQ [seen_eax], 0x12345678
    EXPECT_EQ [hole], .fault
    EXPECT_EQ [task + tss32.esp], task_stack_top
    ; RF in the flags that were saved, as in a stack frame
    mov eax, [tss + tss32.eflags]
    and eax, FL_RF
    EXPECT_EQ eax, FL_RF
    mov ecx, VEC_PF
    call default_gate
    mov ecx, 0x91
    call default_gate
    ret
.other:
    call note
    iretd
    jmp .other
.with_error:
    call note
    pop dword [seen_error]
    mov eax, [tss + tss32.eip]
    mov [hole], eax
    SET_PAGE TEST_PAGES, PAGE_RW
    iretd
    jmp .with_error
section .bss
hole: resd 1
section .text

registers_loaded:
    GROUP "what a switch loads"
    INIT_TASK .other
    mov dword [task + tss32.eax], 1
    mov dword [task + tss32.ecx], 2
    mov dword [task + tss32.edx], 3
    mov dword [task + tss32.ebx], 4
    mov dword [task + tss32.ebp], 5
    mov dword [task + tss32.esi], 6
    mov dword [task + tss32.edi], 7
    mov dword [task + tss32.eflags], FL_1 | FL_CF | FL_OF | FL_IOPL
    mov dword [task + tss32.fs], SEL_UDATA
    mov dword [task + tss32.gs], 0
    SET_DESC SEL_LDT2, ldt2, 31, ACC_P | SYS_LDT, 0
    mov dword [ldt2 + 8], 0x0000FFFF
    mov dword [ldt2 + 12], 0x00CF9200
    mov dword [task + tss32.ldt], SEL_LDT2
    mov dword [task + tss32.es], 0xC            ; from the new LDT
    call SEL_TASK:0
    ; the sum was computed in the other task
    EXPECT_EQ [seen_eax], 1 + 2 * 16 + 3 * 256 + 4 * 4096 + 5 * 0x10000 + 6 * 0x100000 + 7 * 0x1000000
    mov eax, [seen_flags]
    and eax, FL_CF | FL_OF | FL_IOPL | FL_NT
    EXPECT_EQ eax, FL_CF | FL_OF | FL_IOPL | FL_NT
    EXPECT_EQ [hole], SEL_LDT2 << 16 | 0xC
    sldt eax
    EXPECT_EQ eax, 0                            ; ours again
    ret
.other:
    pushfd
    pop dword [seen_flags]
    shl ecx, 4
    add eax, ecx
    shl edx, 8
    add eax, edx
    shl ebx, 12
    add eax, ebx
    shl ebp, 16
    add eax, ebp
    shl esi, 20
    add eax, esi
    shl edi, 24
    add eax, edi
    mov [seen_eax], eax
    sldt ax
    shl eax, 16
    mov ax, es
    mov [hole], eax
    iretd

; ---------------------------------------------------------------------------------------------------------------------------------
sixteen_bit_tasks:
    GROUP "16-bit TSS"
    INIT_TASK .unused
    cld
    mov edi, t16
    mov ecx, 16
    xor eax, eax
    rep stosd
    SET_DESC SEL_T16, t16, tss16_size - 1, ACC_P | SYS_TSS16, 0
    ; IP has 16 bits: run from a code segment that begins at the code
    SET_DESC S0, .other, 0xFFFF, ACC_P | ACC_CODE | ACC_READ, DF_B
    mov word [t16 + tss16.cs], S0
    mov word [t16 + tss16.flags], 2
    mov word [t16 + tss16.ss], SEL_DATA
    mov word [t16 + tss16.sp], 0x6000           ; the upper half of ESP is not defined
    mov word [t16 + tss16.ds], SEL_DATA
    mov word [t16 + tss16.es], SEL_DATA
    mov word [t16 + tss16.ax], 0xAAAA
    mov word [t16 + tss16.di], 0xDDDD
    mov ebx, 0x12345678
    call SEL_T16:0
.back:
    EXPECT_EQ ebx, 0x12345678                   ; our 32-bit TSS kept all 32 bits
    EXPECT_EQ [runs], 1
    mov eax, [seen_eax]
    and eax, 0xFFFF
    EXPECT_EQ eax, 0xAAAA
    movzx eax, word [t16 + tss16.link]
    EXPECT_EQ eax, SEL_TSS
    EXPECT_EQ [tss + tss32.eip], .back
    EXPECT_BUSY SEL_T16, 0
    movzx eax, byte [gdt + SEL_T16 + 5]
    EXPECT_EQ eax, ACC_P | SYS_TSS16
    ; IRET stored the 16-bit state: IP behind the IRET, FS and GS have no place in it
    movzx eax, word [t16 + tss16.ip]
    EXPECT_EQ eax, .other_end - .other
    ; the limit of a 16-bit TSS is at least 2Bh
    SET_DESC SEL_T16, t16, 0x2A, ACC_P | SYS_TSS16, 0
    FAULTS VEC_TS, SEL_T16, call SEL_T16:0
    ret
.other:
    mov [seen_eax], eax
    inc dword [runs]
    iretd
.other_end:
.unused:
    ud2

spaces:
    GROUP "CR3"
    ; the other task has a page directory of its own, in which the test page is somewhere else
    INIT_TASK .other
    cld
    mov esi, page_directory
    mov edi, second_directory
    mov ecx, 1024
    rep movsd
    mov dword [second_directory + 0x100 * 4], page_tables + 2 * PAGE + PAGE_RW  ; 40000000h is 8 MiB there
    mov dword [TEST_PAGES], 0xFEEDFACE
    mov dword [task + tss32.cr3], second_directory
    call SEL_TASK:0
    EXPECT_EQ [seen_cr3], second_directory
    EXPECT_EQ [seen_eax], 0xFEEDFACE
    mov eax, cr3
    EXPECT_EQ eax, page_directory               ; ours came from our TSS, where only software writes it
    EXPECT_EQ [task + tss32.cr3], second_directory
    TRY
    mov eax, [0x40000000]
    END_TRY
    EXPECT_FAULT VEC_PF, 0
    ret
.other:
    call note
    mov eax, [0x40000000]
    mov [seen_eax], eax
    iretd

trap_bit:
    GROUP "T bit"
    ; debug trap at the first instruction of a task whose TSS says so
    INIT_TASK .other
    mov word [task + tss32.trap], 1
    xor eax, eax
    mov dr6, eax
    TRY
    call SEL_TASK:0
    END_TRY
    EXPECT_FAULT VEC_DB, 0, .other
    mov eax, dr6
    and eax, 1 << 15
    EXPECT_EQ eax, 1 << 15
    str eax
    EXPECT_EQ eax, SEL_TASK                     ; it was taken in the new task
    ; a switch clears the local enables of DR7, not the global ones
    INIT_TASK .plain
    mov eax, 0x12345678
    mov dr0, eax
    mov dr1, eax
    mov eax, 1 | 2 << 2                         ; L0, G1
    mov dr7, eax
    call SEL_TASK:0
    mov eax, dr7
    EXPECT_EQ eax, 0x400 | 2 << 2
    xor eax, eax
    mov dr7, eax
    ret
.other:
    iretd
.plain:
    iretd

; ---------------------------------------------------------------------------------------------------------------------------------
errors_in_old_task:
    GROUP "errors before the switch"
    INIT_TASK .never
    SET_DESC SEL_TASK, task, 103, SYS_TSS32, 0
    FAULTS VEC_NP, SEL_TASK, jmp SEL_TASK:0
    SET_DESC SEL_TASK, task, 102, ACC_P | SYS_TSS32, 0
    FAULTS VEC_TS, SEL_TASK, jmp SEL_TASK:0
    SET_DESC SEL_TASK, task, 103, ACC_P | SYS_TSS32_BUSY, 0
    FAULTS VEC_GP, SEL_TASK, jmp SEL_TASK:0
    SET_DESC SEL_TASK, task, 103, ACC_P | SYS_TSS32, 0
    FAULTS VEC_GP, SEL_TASK, jmp SEL_TASK | 1:0     ; RPL > DPL
    FAULTS VEC_GP, 4, jmp 4:0
    ; nothing has happened so far
    EXPECT_EQ [runs], 0
    EXPECT_BUSY SEL_TASK, 0
    EXPECT_BUSY SEL_TSS, 1
    str eax
    EXPECT_EQ eax, SEL_TSS
    mov eax, cr0
    and eax, CR0_TS
    EXPECT_EQ eax, 0
    ret
.never:
    inc dword [runs]
    iretd

; IN_NEW_TASK vector, error: switches to `task`, whose TSS was spoiled, and expects the exception in the new task, before its first
; instruction. The task is of ring 3, so that the exception finds a stack through ESP0 of the new TSS.
%macro IN_NEW_TASK 2.nolist
    TRY
    call SEL_TASK:0
    END_TRY
    EXPECT_FAULT %1, %2, new_task
    str eax
    EXPECT_EQ eax, SEL_TASK
    EXPECT_BUSY SEL_TASK, 1
    EXPECT_EQ [task + tss32.link], SEL_TSS
%endmacro
%macro INIT_USER_TASK 0
    INIT_TASK new_task
    mov dword [task + tss32.cs], SEL_UCODE
    mov dword [task + tss32.ss], SEL_UDATA
    mov dword [task + tss32.esp], user_stack_top
    mov dword [task + tss32.ds], SEL_UDATA
    mov dword [task + tss32.es], SEL_UDATA
    mov dword [task + tss32.fs], SEL_UDATA
    mov dword [task + tss32.gs], SEL_UDATA
%endmacro
new_task:
    int USER_EXIT

errors_in_new_task:
    GROUP "errors after the switch"
    INIT_USER_TASK
    TRY
    call SEL_TASK:0
    END_TRY
    EXPECT_FAULT USER_EXIT, 0                   ; it works as it is
    INIT_USER_TASK
    mov dword [task + tss32.ldt], SEL_DATA      ; no LDT descriptor
    IN_NEW_TASK VEC_TS, SEL_DATA
    INIT_USER_TASK
    mov dword [task + tss32.ds], SEL_DATA       ; DPL 0 for ring 3
    IN_NEW_TASK VEC_TS, SEL_DATA
    INIT_USER_TASK
    mov dword [task + tss32.gs], SEL_TSS        ; a system segment
    IN_NEW_TASK VEC_TS, SEL_TSS
    INIT_USER_TASK
    SET_DESC S0, 0, 0xFFFFF, ACC_DPL3 | ACC_DATA | ACC_WRITE, DF_B | DF_G
    mov dword [task + tss32.es], S0 | 3         ; not present: its own vector, as ever
    IN_NEW_TASK VEC_NP, S0
    INIT_USER_TASK
    mov dword [task + tss32.fs], GDT_ENTRIES * 8
    IN_NEW_TASK VEC_TS, GDT_ENTRIES * 8
    INIT_TASK new_task
    call .drop
    ret
.drop:
    xor eax, eax
    lldt ax
    ret

return_errors:
    GROUP "errors of a return from a task"
    ; IRET with NT looks at the link of the current TSS
    INIT_TASK new_task
    mov dword [tss + tss32.link], SEL_TASK      ; not busy: cannot have called us
    TRY
    push dword FL_1 | FL_NT
    popfd
.iret1:
    iretd
    END_TRY
    EXPECT_FAULT VEC_TS, SEL_TASK, .iret1
    mov dword [tss + tss32.link], SEL_DATA
    TRY
    push dword FL_1 | FL_NT
    popfd
.iret2:
    iretd
    END_TRY
    EXPECT_FAULT VEC_TS, SEL_DATA, .iret2
    mov dword [tss + tss32.link], 4
    TRY
    push dword FL_1 | FL_NT
    popfd
.iret3:
    iretd
    END_TRY
    EXPECT_FAULT VEC_TS, 4, .iret3
    mov dword [tss + tss32.link], 0
    ret

; ---------------------------------------------------------------------------------------------------------------------------------
rescue:
    GROUP "stack fault and double fault by task gate"
    ; A stack of 64 bytes with nothing left: PUSH raises #SS. An interrupt gate would push to that same stack; a task gate does not.
    INIT_TASK .handler
    IDT_TASK_GATE VEC_SS, SEL_TASK
    SET_DESC SEL_SMALL, TEST_PAGES, 63, ACC_P | ACC_DATA | ACC_WRITE, DF_B
    mov ebp, esp
    mov ax, SEL_SMALL
    mov ss, ax
    mov esp, 2
.push:
    push eax                                    ; bytes FFFFFFFEh and up: beyond the limit
.resumed:
    mov ax, SEL_DATA
    mov ss, ax
    mov esp, ebp
    EXPECT_EQ [runs], 1
    EXPECT_EQ [seen_error], 0
    EXPECT_EQ [hole], .push
    EXPECT_EQ [seen_eax], 2                     ; ESP as before the PUSH
    ; With an interrupt gate for #SS on the same stack, delivering it fails as well: a double fault, and this one has the task gate.
    mov ecx, VEC_SS
    call default_gate
    INIT_TASK .handler
    IDT_TASK_GATE VEC_DF, SEL_TASK
    mov ebp, esp
    mov ax, SEL_SMALL
    mov ss, ax
    mov esp, 6
    push eax                                    ; fits, ESP = 2
.push2:
    push eax
.resumed2:
    mov ax, SEL_DATA
    mov ss, ax
    mov esp, ebp
    EXPECT_EQ [runs], 1
    EXPECT_EQ [seen_error], 0
    EXPECT_EQ [hole], .push2
    EXPECT_EQ [seen_eax], 2
    mov ecx, VEC_DF
    call default_gate
    ret
.handler:
    call note
    pop dword [seen_error]
    mov eax, [tss + tss32.eip]
    mov [hole], eax
    mov eax, [tss + tss32.esp]
    mov [seen_eax], eax
    add dword [tss + tss32.eip], 1              ; skip the PUSH: one byte
    iretd
    jmp .handler

KERNEL_END
