namespace Emulator.Core.Cpu;

/// <summary>How a far transfer ended.</summary>
internal enum TransferResult
{
    /// <summary>Done; <see cref="CpuState.Eip"/> is the target.</summary>
    Done,

    /// <summary>A fault is recorded and nothing has changed: it belongs to the transferring instruction.</summary>
    Fault,

    /// <summary>A fault is recorded after a task switch was committed: it belongs to the new task, at <see cref="CpuState.Eip"/>.</summary>
    FaultInNewTask,
}
