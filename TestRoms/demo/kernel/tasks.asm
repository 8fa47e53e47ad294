; Tasks. A task is a kernel stack and, for a program, a page directory; its registers lie as a frame (idt.asm) on the stack while it does not run.
;
; The timer interrupts whoever runs, 100 times a second, and "schedule" picks the next task that is ready, in turn: nobody is asked, so a program in an
; endless loop harms nobody. A task that waits gives up the processor by INT 81h. Task 0 is what started the kernel; it halts the processor when
; nothing else is ready.

TASKS           equ 8
STACK_SIZE      equ PAGE

TASK_FREE       equ 0
TASK_READY      equ 1
TASK_SLEEPING   equ 2                   ; until "wake"
TASK_WAITING    equ 3                   ; for a key
TASK_ENDED      equ 4                   ; its memory is still there

struc Task
    .fpu            resb 512            ; must lie on a boundary of 16
    .state          resd 1
    .frame          resd 1              ; its registers, while it does not run
    .directory      resd 1
    .stack          resd 1              ; the lowest address of its kernel stack
    .wake           resd 1              ; tick
    .ticks          resd 1              ; how often the timer found it running
    .switches       resd 1
    .exit_code      resd 1
    .name           resb 16
                    resb 16
endstruc

tasks_init:
    mov dword [current], tasks
    mov dword [tasks + Task.state], TASK_READY
    mov eax, [kernel_directory]
    mov [tasks + Task.directory], eax
    mov dword [tasks + Task.name], 'idle'
    mov edi, tasks
    jmp fpu_new

; fpu_new: EDI = task, whose floating-point registers shall be as after a reset.
fpu_new:
    push esi
    push ecx
    push edi
    mov esi, fpu_fresh
    mov ecx, 512 / 4
    rep movsd
    pop edi
    pop ecx
    pop esi
    ret

idle:
    sti
    hlt
    jmp idle

; task_create: ESI = name, EAX = directory. Returns EDI = a task with a stack and an empty frame, not ready yet; EBX = its frame. Carry set: no room.
task_create:
    push eax
    push ecx
    push eax
    mov edi, tasks
.look:
    cmp dword [edi + Task.state], TASK_FREE
    je .found
    add edi, Task_size
    cmp edi, tasks_end
    jb .look
    pop eax
    jmp .failed
.found:
    call frame_alloc
    pop ecx
    jc .failed
    mov [edi + Task.directory], ecx
    mov [edi + Task.stack], eax
    lea ebx, [eax + STACK_SIZE - Frame_size]
    mov [edi + Task.frame], ebx
    xor eax, eax
    mov [edi + Task.ticks], eax
    mov [edi + Task.switches], eax
    mov [edi + Task.exit_code], eax
    call fpu_new
    push edi
    add edi, Task.name
    mov ecx, 15
.name:
    lodsb
    stosb
    test al, al
    loopnz .name
    mov byte [edi], 0
    pop edi
    mov dword [ebx + Frame.eflags], 0x202 ; interrupts on
    pop ecx
    pop eax
    clc
    ret
.failed:
    pop ecx
    pop eax
    stc
    ret

; task_create_kernel: EAX = where it starts, in ring 0; ESI = name. Carry set: no room.
task_create_kernel:
    pushad
    mov edx, eax
    mov eax, [kernel_directory]
    call task_create
    jc .done
    mov [ebx + Frame.eip], edx
    mov dword [ebx + Frame.cs], KERNEL_CODE
    mov dword [ebx + Frame.ds], KERNEL_DATA
    mov dword [ebx + Frame.es], KERNEL_DATA
    mov dword [edi + Task.state], TASK_READY
.done:
    popad
    ret

; task_create_user: EAX = directory, ESI = name. Starts the program at USER_START. Returns EDI = the task. Carry set: no room.
task_create_user:
    push ebx
    call task_create
    jc .done
    mov dword [ebx + Frame.eip], USER_START
    mov dword [ebx + Frame.cs], USER_CODE
    mov dword [ebx + Frame.ds], USER_DATA
    mov dword [ebx + Frame.es], USER_DATA
    mov dword [ebx + Frame.ss], USER_DATA
    mov dword [ebx + Frame.esp], USER_STACK_TOP
    mov dword [edi + Task.state], TASK_READY
    clc
.done:
    pop ebx
    ret

; schedule: an interrupt handler; EBX = frame of who runs. Returns EBX = frame of who runs next.
schedule:
    mov edi, [current]
    mov [edi + Task.frame], ebx
    mov esi, edi
.next:
    add esi, Task_size
    cmp esi, tasks_end
    jb .inside
    mov esi, tasks
.inside:
    cmp esi, tasks                      ; idle only when the round is over
    je .skip
    cmp dword [esi + Task.state], TASK_READY
    je .chosen
.skip:
    cmp esi, edi
    jne .next
    mov esi, tasks
.chosen:
    cmp esi, edi
    je .same
    mov [current], esi
    inc dword [esi + Task.switches]
    mov eax, [esi + Task.stack]
    add eax, STACK_SIZE
    mov [tss + Tss.esp0], eax
    mov eax, [esi + Task.directory]
    mov ecx, cr3
    cmp eax, ecx
    je .same_memory
    mov cr3, eax                        ; also empties the TLB
.same_memory:
    mov eax, cr0
    or eax, CR0_TS
    cmp esi, [fpu_owner]
    jne .not_owner
    and eax, ~CR0_TS
.not_owner:
    mov cr0, eax
.same:
    mov ebx, [esi + Task.frame]
    ret

; task_end: ends the current program from within an interrupt; EAX = exit code. Returns EBX = frame of who runs next.
task_end:
    mov edi, [current]
    mov [edi + Task.exit_code], eax
    mov dword [edi + Task.state], TASK_ENDED
    cmp [fpu_owner], edi
    jne .no_owner
    mov dword [fpu_owner], 0
.no_owner:
    jmp schedule

; task_reap: EDI = a program that has ended; gives its memory back.
task_reap:
    push eax
    mov eax, [edi + Task.directory]
    call directory_free
    mov eax, [edi + Task.stack]
    call frame_free
    mov dword [edi + Task.state], TASK_FREE
    pop eax
    ret

; task_sleep: EAX = ticks. For kernel tasks.
task_sleep:
    push eax
    push edi
    cli
    add eax, [ticks]
    mov edi, [current]
    mov [edi + Task.wake], eax
    mov dword [edi + Task.state], TASK_SLEEPING
    int YIELD
    sti
    pop edi
    pop eax
    ret

; tasks_wake: wakes all that wait for a key.
tasks_wake:
    push edi
    mov edi, tasks
.next:
    cmp dword [edi + Task.state], TASK_WAITING
    jne .other
    mov dword [edi + Task.state], TASK_READY
.other:
    add edi, Task_size
    cmp edi, tasks_end
    jb .next
    pop edi
    ret

; tasks_print: what "tasks" shows.
tasks_print:
    pushad
    PRINT 2, " No  Name            State      Ring  Directory   Ticks  Switches", 1, 10
    mov edi, tasks
.task:
    mov eax, [edi + Task.state]
    cmp eax, TASK_FREE
    je .next
    push eax
    mov eax, edi
    sub eax, tasks
    xor edx, edx
    mov ecx, Task_size
    div ecx
    mov ecx, 3
    call print_decimal_in
    pop eax
    PRINT "  "
    lea esi, [edi + Task.name]
    call print
    mov ecx, 21
    call print_column
    mov esi, [task_states + eax * 4]
    cmp edi, [current]
    jne .not_current
    mov esi, task_states.running
.not_current:
    call print
    mov ecx, 32
    call print_column
    mov eax, [edi + Task.directory]
    cmp eax, [kernel_directory]
    jne .user
    PRINT "0     "
    jmp .ring
.user:
    PRINT "3     "
.ring:
    call print_hex8
    mov ecx, 9
    mov eax, [edi + Task.ticks]
    call print_decimal_in
    mov eax, [edi + Task.switches]
    call print_decimal_in
    call new_line
.next:
    add edi, Task_size
    cmp edi, tasks_end
    jb .task
    popad
    ret

    section .data
    align 4, db 0
task_states: dd 0, .ready, .sleeping, .waiting, .ended
.ready: db "ready", 0
.sleeping: db "sleeping", 0
.waiting: db "waiting", 0
.ended: db "ended", 0
.running: db "running", 0
    section .bss
    alignb 16
tasks: resb Task_size * TASKS
tasks_end:
current: resd 1
    section .text
%if Task_size % 16
    %error the x87 save areas must stay aligned
%endif
