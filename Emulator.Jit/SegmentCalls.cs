using System.Reflection;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>What regions call for loads of segment registers in protected mode.</summary>
internal static unsafe class SegmentCalls
{
    /// <summary><see cref="Load"/>.</summary>
    public static MethodInfo LoadMethod { get; } = ((Func<nint, int, int, bool>)Load).Method;

    /// <inheritdoc cref="Segmentation.LoadPlain"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Load(nint state, int segment, int selector) => Segmentation.LoadPlain((CpuState*)state, segment, (ushort)selector);
}
