; System calls: INT 80h in a program, with the number in EAX and arguments in EBX and ECX; the result comes back in EAX.
;
;   0  end      EBX = exit code
;   1  write    EBX = text, ECX = bytes                     -> bytes, or -1
;   2  ticks                                                -> hundredths of a second since the start
;   3  sleep    EBX = hundredths of a second
;   4  yield
;   5  task                                                 -> number of this task
;
; The gate is the only way from ring 3 into the kernel; what comes through it is not trusted.

system_call:
    mov eax, [ebx + Frame.eax]
    cmp eax, SYSTEM_CALLS
    jae .unknown
    jmp [system_calls + eax * 4]
.unknown:
    mov dword [ebx + Frame.eax], -1
    ret

call_end:
    mov eax, [ebx + Frame.ebx]
    jmp task_end

call_write:
    mov edx, [ebx + Frame.ebx]
    mov ecx, [ebx + Frame.ecx]
    call user_range
    jc .bad
    mov [ebx + Frame.eax], ecx
    mov esi, edx
    jmp print_text
.bad:
    mov dword [ebx + Frame.eax], -1
    ret

call_ticks:
    mov eax, [ticks]
    mov [ebx + Frame.eax], eax
    ret

call_sleep:
    mov eax, [ebx + Frame.ebx]
    add eax, [ticks]
    mov edi, [current]
    mov [edi + Task.wake], eax
    mov dword [edi + Task.state], TASK_SLEEPING
    jmp schedule

call_task:
    mov eax, [current]
    sub eax, tasks
    xor edx, edx
    mov ecx, Task_size
    div ecx
    mov [ebx + Frame.eax], eax
    ret

    section .data
    align 4, db 0
system_calls: dd call_end, call_write, call_ticks, call_sleep, schedule, call_task
SYSTEM_CALLS equ ($ - system_calls) / 4
    section .text
